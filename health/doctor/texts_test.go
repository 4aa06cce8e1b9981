package doctor_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/health/doctor"
)

var record = flag.String("record", "", "the `file` to write what members say to, see `make errors`")

// texts are what members of one release say, by what is wrong with them.
type texts struct {
	mu  sync.Mutex
	all map[string]text
}

type text struct{ line, cause string }

// missing is the line of something that a release does not have.
const missing = "-"

// note keeps what tells a cause, without what is another one each time.
func (r *texts) note(situation, line, cause string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[string]text{}
	}
	r.all[situation] = text{stable(line), cause}
}

var changing = []struct {
	pattern *regexp.Regexp
	stays   string
}{
	{regexp.MustCompile(`127\.0\.0\.([12]):\d{5}`), `127.0.0.$1:2380`},
	{regexp.MustCompile(`/tmp/[^\s"',:;)]*/`), `/etcd/`},
	{regexp.MustCompile(`\b[0-9a-f]{15,16}\b`), `1234567890abcdef`},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`), `2026-01-02T03:04:05Z`},
	{regexp.MustCompile(`\b(expected|computed): [0-9a-f]+`), `$1: 1234abcd`},
	{regexp.MustCompile(`position: \d+`), `position: 280`},
	{regexp.MustCompile(` on \S+:53: `), `: `},
	{regexp.MustCompile(`\s+`), ` `},
}

func stable(line string) string {
	for _, c := range changing {
		line = c.pattern.ReplaceAllString(line, c.stays)
	}
	return strings.TrimSpace(line)
}

// write keeps the texts in a table: what is wrong, and the line that tells it.
func (r *texts) write(file string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# What members of etcd %s say when something is wrong, provoked by `make errors`: what is wrong, and the line that tells it\n",
		strings.TrimSuffix(filepath.Base(file), ".tsv"))
	for _, situation := range slices.Sorted(maps.Keys(r.all)) {
		fmt.Fprintf(&b, "%s\t%s\n", situation, r.all[situation].line)
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}

// recorded reads the tables by release.
func recorded(t *testing.T) map[string]map[string]string {
	t.Helper()
	files, err := filepath.Glob("releases/*.tsv")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]string{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		said := map[string]string{}
		for line := range strings.Lines(string(data)) {
			situation, text, found := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			if found {
				said[situation] = text
			}
		}
		all[strings.TrimSuffix(filepath.Base(file), ".tsv")] = said
	}
	for minor := range cluster.KnownPatches {
		if release := fmt.Sprintf("3.%d", minor); all[release] == nil {
			t.Errorf("what etcd %s says is not known: run `make errors`", release)
		}
	}
	return all
}

// beside is what a member says besides the line that tells, where that alone is not
// enough.
var beside = map[string]string{
	"its write-ahead log is gone":        `{"level":"info","msg":"restore consistentIndex","index":9}`,
	"its data is of members without TLS": `{"level":"warn","msg":"rejected connection on peer endpoint","error":"tls: first record does not look like a TLS handshake"}`,
}

// What the releases say differs, and each is understood: the newest is provoked
// anew each time.
func TestWhatEachReleaseHasSaidIsRecognised(t *testing.T) {
	tables := recorded(t)
	for release, said := range tables {
		if len(said) != len(situations()) {
			t.Errorf("%s has %d texts of %d situations: run `make errors`", release, len(said), len(situations()))
		}
		for situation, line := range said {
			is, known := situations()[situation]
			if !known {
				t.Errorf("%s: %q is no situation: run `make errors`", release, situation)
				continue
			}
			if line == missing {
				continue
			}
			log := []string{line, beside[situation]}
			d, _ := doctor.Diagnose(doctor.Evidence{Members: []doctor.Member{{Name: "etcd1", Status: doctor.Running, Log: log}}})
			if !d.Known {
				t.Errorf("%s, %s: %q says nothing, want %s", release, situation, line, is.cause)
			}
		}
	}
}

// TestPageOfTexts holds the page of what members say to the tables.
func TestPageOfTexts(t *testing.T) {
	tables := recorded(t)
	var b bytes.Buffer
	b.WriteString(`# What etcd says when something is wrong

What a member's log says, by what is wrong with it, and what ` + "`etcdctr doctor`" + ` makes of
it. Each was provoked on the real programs by ` + "`make errors`" + `, which writes this page; ports,
IDs and folders are made alike.
`)
	for _, situation := range slices.Sorted(maps.Keys(situations())) {
		by := map[string][]string{}
		for _, release := range slices.Sorted(maps.Keys(tables)) {
			line := tables[release][situation]
			by[line] = append(by[line], release)
		}
		fmt.Fprintf(&b, "\n## %s\n\n", upper(situation))
		for _, line := range slices.SortedFunc(maps.Keys(by), func(a, b string) int { return strings.Compare(by[a][0], by[b][0]) }) {
			if line == missing {
				fmt.Fprintf(&b, "- %s: there is no such thing\n", strings.Join(by[line], ", "))
				continue
			}
			fmt.Fprintf(&b, "- %s: `%s`\n", strings.Join(by[line], ", "), strings.ReplaceAll(line, "`", "'"))
		}
	}
	const page = "../../docs/errors.md"
	if flag.Lookup("update").Value.String() == "true" { // as for the other page, in the package itself
		if err := os.WriteFile(page, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if is, err := os.ReadFile(page); err != nil || !bytes.Equal(is, b.Bytes()) {
		t.Errorf("%s is not what the tables say: run `make errors` (%v)", page, err)
	}
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
