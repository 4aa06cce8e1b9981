package main

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/images"
)

// TestEveryKeyOfTheClusterFileIsDocumented wants each key at the beginning of
// a line, or of a member, of docs/cluster-file.md.
func TestEveryKeyOfTheClusterFileIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/cluster-file.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []any{cluster.Spec{}, cluster.MemberSpec{}, cluster.BackupSpec{}, cluster.KeepSpec{}, cluster.CertsSpec{}} {
		typ := reflect.TypeOf(of)
		for i := range typ.NumField() {
			key := typ.Field(i).Tag.Get("key")
			if key == "" {
				continue
			}
			if !regexp.MustCompile(`(?m)^[ -]*` + key + `:`).Match(page) {
				t.Errorf("%s of %s is not in docs/cluster-file.md", key, typ.Name())
			}
		}
	}
}

// TestEveryWordOfAClosedChoiceIsDocumented wants the first line of the page about a
// closed choice to name all of its words.
func TestEveryWordOfAClosedChoiceIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/cluster-file.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cluster.ClosedChoices() {
		_, key, below := strings.Cut(c.Key, ".")
		if !below {
			key = c.Key
		}
		line := regexp.MustCompile(`(?m)^ *` + key + `: .*$`).FindString(string(page))
		for _, word := range c.Takes() {
			if !regexp.MustCompile(`#.*\b` + word + `\b`).MatchString(line) {
				t.Errorf("%s: its line in docs/cluster-file.md does not name %s", c.Key, word)
			}
		}
	}
}

func TestEverySourceOfImagesIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/images.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range images.Origins() {
		if !strings.Contains(string(page), "\n| `"+o.Word+"` ") {
			t.Errorf("--source %s has no row in docs/images.md", o.Word)
		}
	}
}

// TestTheExamplesOfTheClusterFileAreAccepted reads every example of a page as a
// file of its own.
func TestTheExamplesOfTheClusterFileAreAccepted(t *testing.T) {
	for page, least := range map[string]int{"cluster-file": 5, "logs": 2} {
		acceptExamples(t, "../../docs/"+page+".md", least)
	}
}

func acceptExamples(t *testing.T, path string, least int) {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)\n```yaml\n(.*?)\n```\n").FindAllSubmatch(page, -1)
	if len(examples) < least {
		t.Fatalf("%s has %d examples", path, len(examples))
	}
	for _, example := range examples {
		spec, err := cluster.Load("example", example[1])
		if err == nil {
			_, err = cluster.Resolve(spec, cluster.InContainers)
		}
		if err != nil {
			t.Errorf("%v\n%s", err, example[1])
		}
	}
}

// TestBootstrapsPage holds docs/bootstraps.md to the table of what works, in
// package cluster. `make docs` writes it.
func TestBootstrapsPage(t *testing.T) {
	const file = "../../docs/bootstraps.md"
	want := bootstrapsPage()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s differs from the table (-table +page); run `make docs`:\n%s", file, diff)
	}
}

// bootstrapsPage is a table for each minor of etcd, with notes below it.
func bootstrapsPage() string {
	var page strings.Builder
	page.WriteString("# What bootstraps with what\n\n" +
		"Made from the table in `cluster/bootstraps.go`, which also decides what is\n" +
		"refused and what the tests run. How each works: [discovery.md](discovery.md),\n" +
		"[dns.md](dns.md), [auto-tls.md](auto-tls.md).\n")
	for minor := cluster.NewestMinor; minor >= cluster.OldestMinor; minor-- {
		writeMinor(&page, minor)
	}
	return page.String()
}

func writeMinor(page *strings.Builder, minor int) {
	fmt.Fprintf(page, "\n## etcd 3.%d\n\n| bootstrap |", minor)
	for _, mode := range cluster.TLSModes() {
		fmt.Fprintf(page, " tls: %s |", mode)
	}
	page.WriteString("\n|---|" + strings.Repeat("---|", len(cluster.TLSModes())) + "\n")
	var notes []string
	for _, w := range cluster.Ways() {
		fmt.Fprintf(page, "| %s |", w.Title)
		for _, mode := range cluster.TLSModes() {
			v, word := cluster.Judge(w, mode, minor), "works"
			texts := v.Remarks
			if v.Refusal != "" {
				word, texts = "refused", []string{v.Refusal}
			}
			fmt.Fprintf(page, " %s%s |", word, references(&notes, texts))
		}
		page.WriteString("\n")
	}
	page.WriteString("\n")
	for i, n := range notes {
		fmt.Fprintf(page, "%d. %s.\n", i+1, n)
	}
}

// references numbers texts by their place among the notes.
func references(notes *[]string, texts []string) string {
	var numbers string
	for _, text := range texts {
		i := slices.Index(*notes, text)
		if i < 0 {
			i = len(*notes)
			*notes = append(*notes, text)
		}
		numbers += fmt.Sprintf(" (%d)", i+1)
	}
	return numbers
}
