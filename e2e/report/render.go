package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// writeGap is the attribute of scenarios that measure for how long a client
// could not write.
const writeGap = "write-gap"

// summary is the report for people.
func (r *report) summary() string {
	var b strings.Builder
	var bad []string
	var seconds float64
	for _, s := range r.Scenarios {
		seconds += s.Seconds
		if s.Result != "pass" {
			bad = append(bad, fmt.Sprintf("  %s  %s", s.Result, s.Name))
		}
	}
	for _, pkg := range r.Broken {
		bad = append(bad, "  fail  package "+pkg)
	}
	r.gaps(&b)
	fmt.Fprintf(&b, "%d scenarios, %s of tests, %d did not pass\n", len(r.Scenarios), time.Duration(seconds*float64(time.Second)).Round(time.Second), len(bad))
	for _, line := range bad {
		fmt.Fprintln(&b, line)
	}
	return b.String()
}

// gaps lists the faults, the worst first.
func (r *report) gaps(b *strings.Builder) {
	var faults []scenario
	for _, s := range r.Scenarios {
		if s.Attributes[writeGap] != "" {
			faults = append(faults, s)
		}
	}
	if len(faults) == 0 {
		return
	}
	slices.SortStableFunc(faults, func(x, y scenario) int { return cmp.Compare(gapOf(y), gapOf(x)) })
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "no write for\tduring")
	for _, s := range faults {
		fmt.Fprintf(w, "%s\t%s\n", s.Attributes[writeGap], s.Name)
	}
	_ = w.Flush() // b never fails
	fmt.Fprintln(b)
}

func gapOf(s scenario) time.Duration {
	d, err := time.ParseDuration(s.Attributes[writeGap])
	if err != nil {
		return 0
	}
	return d
}

func (r *report) json() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	err := enc.Encode(r)
	return b.Bytes(), err
}

// The elements of JUnit's XML, as CI systems read it.
type (
	suites struct {
		XMLName xml.Name `xml:"testsuites"`
		Suites  []suite  `xml:"testsuite"`
	}
	suite struct {
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Skipped  int        `xml:"skipped,attr"`
		Errors   int        `xml:"errors,attr"`
		Time     string     `xml:"time,attr"`
		Cases    []testCase `xml:"testcase"`
	}
	testCase struct {
		Class      string      `xml:"classname,attr"`
		Name       string      `xml:"name,attr"`
		Time       string      `xml:"time,attr"`
		Properties *properties `xml:"properties"`
		Failure    *outcome    `xml:"failure"`
		Skipped    *outcome    `xml:"skipped"`
		Error      *outcome    `xml:"error"`
	}
	properties struct {
		List []property `xml:"property"`
	}
	property struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	outcome struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

func (r *report) junit() ([]byte, error) {
	byPackage := map[string]*suite{}
	seconds := map[string]float64{}
	in := func(pkg string) *suite {
		if byPackage[pkg] == nil {
			byPackage[pkg] = &suite{Name: pkg}
		}
		return byPackage[pkg]
	}
	for _, s := range r.Scenarios {
		in(s.Package).add(s)
		seconds[s.Package] += s.Seconds
	}
	for _, pkg := range r.Broken {
		p := in(pkg)
		p.Tests++
		p.Errors++
		p.Cases = append(p.Cases, testCase{Class: pkg, Name: "package", Time: "0.000", Error: &outcome{Message: "failed outside of its tests"}})
	}
	var all suites
	for _, pkg := range slices.Sorted(maps.Keys(byPackage)) {
		byPackage[pkg].Time = fmt.Sprintf("%.3f", seconds[pkg])
		all.Suites = append(all.Suites, *byPackage[pkg])
	}
	body, err := xml.MarshalIndent(all, "", "  ")
	return append([]byte(xml.Header), append(body, '\n')...), err
}

func (p *suite) add(s scenario) {
	c := testCase{Class: s.Package, Name: s.Name, Time: fmt.Sprintf("%.3f", s.Seconds)}
	if len(s.Attributes) > 0 {
		c.Properties = &properties{}
	}
	for _, key := range slices.Sorted(maps.Keys(s.Attributes)) {
		c.Properties.List = append(c.Properties.List, property{key, s.Attributes[key]})
	}
	p.Tests++
	switch s.Result {
	case "fail":
		p.Failures++
		c.Failure = &outcome{Message: "failed", Text: s.Output}
	case "skip":
		p.Skipped++
		c.Skipped = &outcome{Message: "skipped", Text: s.Output}
	}
	p.Cases = append(p.Cases, c)
}
