package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is a line of `go test -json`, see `go doc test2json`.
type event struct {
	Action, Package, Test string
	Elapsed               float64 // seconds
	Output                string
	Key, Value            string // of an attribute, see testing.T.Attr
}

// report is what there is to say about a run.
type report struct {
	Scenarios []scenario `json:"scenarios"` // in the order in which they ended
	// Broken are the packages that failed by themselves: in building, or in
	// what they do around their tests.
	Broken []string `json:"broken,omitempty"`
}

// scenario is a test without subtests.
type scenario struct {
	Package    string            `json:"package"`
	Test       string            `json:"test"`
	Name       string            `json:"name"`   // Test as a sentence
	Result     string            `json:"result"` // pass, fail or skip
	Seconds    float64           `json:"seconds"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Output     string            `json:"output,omitempty"` // of one that did not pass
}

// reader collects what is said of tests until they end.
type reader struct {
	report
	out   io.Writer
	tests map[[2]string]*test // by package and test; a package's own has no test
}

type test struct {
	output     strings.Builder
	attributes map[string]string
	parent     bool // has subtests
	badChild   bool
}

// read collects events and says on out what ends how. Lines that are no
// events, as a compiler's, go to out as they are.
func read(in io.Reader, out io.Writer) (*report, error) {
	r := reader{out: out, tests: map[[2]string]*test{}, report: report{Scenarios: []scenario{}}}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		var e event
		if json.Unmarshal([]byte(line), &e) == nil && e.Action != "" {
			r.take(e)
		} else {
			fmt.Fprint(out, line)
		}
		if err == io.EOF {
			return &r.report, nil
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read the tests' events: %w", err)
		}
	}
}

func (r *reader) test(pkg, name string) *test {
	key := [2]string{pkg, name}
	if r.tests[key] == nil {
		r.tests[key] = &test{attributes: map[string]string{}}
	}
	return r.tests[key]
}

func (r *reader) take(e event) {
	t := r.test(e.Package, e.Test)
	switch e.Action {
	case "run":
		for _, parent := range parentsOf(e.Test) {
			r.test(e.Package, parent).parent = true
		}
	case "output":
		t.output.WriteString(e.Output)
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "attr":
		t.attributes[e.Key] = e.Value
	case "pass", "fail", "skip":
		r.end(e, t)
	}
}

// parentsOf are those that a test may be part of: its package, which has no
// name here, and whatever ends before a slash. A subtest's own name can hold
// one too.
func parentsOf(name string) []string {
	if name == "" {
		return nil
	}
	all := []string{""}
	for i, c := range name {
		if c == '/' {
			all = append(all, name[:i])
		}
	}
	return all
}

// end records a test that is a scenario, or that failed for a reason of its
// own.
func (r *reader) end(e event, t *test) {
	if e.Action == "fail" {
		for _, parent := range parentsOf(e.Test) {
			r.test(e.Package, parent).badChild = true
		}
	}
	switch {
	case e.Test == "":
		r.endPackage(e, t)
	case t.parent && (e.Action == "pass" || t.badChild):
		return
	default:
		r.add(e, t)
	}
}

// endPackage repeats what a package said outside of its tests, which ends with
// the verdict of go test itself.
func (r *reader) endPackage(e event, t *test) {
	if e.Action == "fail" && !t.badChild {
		r.Broken = append(r.Broken, e.Package)
	}
	fmt.Fprint(r.out, t.output.String())
}

func (r *reader) add(e event, t *test) {
	s := scenario{
		Package: e.Package, Test: e.Test, Name: sentence(e.Test), Result: e.Action, Seconds: e.Elapsed, Attributes: t.attributes,
	}
	if e.Action != "pass" {
		s.Output = t.output.String()
	}
	r.Scenarios = append(r.Scenarios, s)
	fmt.Fprintf(r.out, "%-4s %7.1fs  %s\n%s", s.Result, s.Seconds, s.Name, s.Output)
}

// sentence reads a test's name: TestDataSurvives/kill_-9 is "data survives:
// kill -9". That a scenario is a smoke test says when it is run, not what of.
func sentence(test string) string {
	top, sub, _ := strings.Cut(test, "/")
	top = strings.TrimPrefix(strings.TrimPrefix(top, "Test"), "Smoke")
	var all []string
	for _, w := range words(top) {
		if len(w) == 1 || strings.ToUpper(w) != w {
			w = strings.ToLower(w)
		}
		all = append(all, w)
	}
	text := strings.Join(all, " ")
	if sub != "" {
		text += ": " + strings.NewReplacer("_", " ", "/", ", ").Replace(sub)
	}
	return text
}

// words splits where a capital begins a word: before one that a small letter
// follows, and after a small letter.
func words(name string) []string {
	isUpper := func(i int) bool { return i < len(name) && name[i] >= 'A' && name[i] <= 'Z' }
	isLower := func(i int) bool { return i < len(name) && name[i] >= 'a' && name[i] <= 'z' }
	starts := []int{0}
	for i := 1; i < len(name); i++ {
		if isUpper(i) && (isLower(i+1) || !isUpper(i-1)) {
			starts = append(starts, i)
		}
	}
	var all []string
	for i, from := range slices.All(starts) {
		to := len(name)
		if i+1 < len(starts) {
			to = starts[i+1]
		}
		all = append(all, name[from:to])
	}
	return all
}
