// Command report gathers what the benchmarks have kept: it prints one table, writes
// one file, and compares with the file of the last release where there is one.
//
//	report [-last FILE] -output FILE FILE...
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"text/tabwriter"

	"github.com/etcdctr/etcdctr/bench/measure"
)

func main() {
	last := flag.String("last", "", "what an earlier run has written")
	output := flag.String("output", "", "where all rows go")
	flag.Parse()
	if err := run(os.Stdout, *last, *output, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bench/report:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, last, output string, files []string) error {
	var rows []measure.Row
	for _, file := range files {
		some, err := read(file)
		if err != nil {
			return err
		}
		rows = append(rows, some...)
	}
	if err := measure.Print(w, rows); err != nil {
		return err
	}
	data, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(output, append(data, '\n'), 0o644); err != nil {
		return err
	}
	before, err := read(last)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return compare(w, before, rows)
}

func read(file string) ([]measure.Row, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var rows []measure.Row
	if err := json.Unmarshal(data, &rows); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return rows, nil
}

// compare prints what has become of the ratios: the figures themselves are of
// another machine.
func compare(w io.Writer, before, now []measure.Row) error {
	type key struct{ what, rival string }
	was := map[key]float64{}
	for _, r := range before {
		was[key{r.What, r.Rival}] = r.Ratio()
	}
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "\nratio of\twas\tis")
	for _, r := range now {
		if ratio, ok := was[key{r.What, r.Rival}]; ok {
			fmt.Fprintf(t, "%s, %s\t%.2f\t%.2f\n", r.What, r.Rival, ratio, r.Ratio())
		}
	}
	return t.Flush()
}
