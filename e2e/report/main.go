// The report program turns what `go test -json` says into a report for people
// and for CI systems: one line for each scenario as it ends, the output of
// those that failed, for how long each fault stopped writes, and the same as
// JSON and as JUnit's XML.
//
//	go test -json ./e2e/... | go run ./e2e/report -dir .cache/report
//
// A scenario is a test without subtests. Its name is read as the sentence that
// it is. It exits 1 when a scenario failed, or when there was none.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/etcdctr/etcdctr/internal/outfile"
)

func main() {
	dir := flag.String("dir", "", "folder for report.txt, report.json and report.xml")
	flag.Parse()
	if err := run(os.Stdin, os.Stdout, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

// run reports on what in holds, on out as it comes, and into dir when it has
// ended.
func run(in io.Reader, out io.Writer, dir string) error {
	r, err := read(in, out)
	if err != nil {
		return err
	}
	summary := r.summary()
	fmt.Fprint(out, "\n", summary)
	if dir != "" {
		if err := r.write(dir, summary); err != nil {
			return err
		}
	}
	return r.verdict()
}

// write makes the three files.
func (r *report) write(dir, summary string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	asJSON, err := r.json()
	if err != nil {
		return err
	}
	asXML, err := r.junit()
	if err != nil {
		return err
	}
	return errors.Join(
		outfile.Write(filepath.Join(dir, "report.txt"), []byte(summary), 0o644),
		outfile.Write(filepath.Join(dir, "report.json"), asJSON, 0o644),
		outfile.Write(filepath.Join(dir, "report.xml"), asXML, 0o644),
	)
}

// verdict is an error unless every scenario passed. A skipped one has not.
func (r *report) verdict() error {
	bad := len(r.Broken)
	for _, s := range r.Scenarios {
		if s.Result != "pass" {
			bad++
		}
	}
	switch {
	case bad > 0:
		return fmt.Errorf("%d of %d scenarios did not pass", bad, len(r.Scenarios))
	case len(r.Scenarios) == 0:
		return errors.New("there was no scenario: is the build tag e2e set?")
	}
	return nil
}
