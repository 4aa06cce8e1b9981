package monitoring

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Metric is one that a release of etcd exports.
type Metric struct {
	Name string
	Kind string // counter, gauge, histogram or summary, as etcd declares it
	// Labels are those of its samples, without le and quantile.
	Labels []string
	When   When
}

// When tells when a metric has samples.
type When string

// What a metric's samples wait for.
const (
	Always    When = ""
	Later     When = "later"     // for something to happen
	Extensive When = "extensive" // for the setting metrics: extensive
)

//go:embed releases/*.tsv
var tables embed.FS

var exported = readTables()

func readTables() map[int][]Metric {
	files, err := tables.ReadDir("releases")
	if err != nil {
		panic(err) // it is embedded
	}
	all := map[int][]Metric{}
	for _, f := range files {
		text, err := tables.ReadFile("releases/" + f.Name())
		if err != nil {
			panic(err)
		}
		var minor int
		if _, err := fmt.Sscanf(f.Name(), "3.%d.tsv", &minor); err != nil {
			panic(err)
		}
		all[minor] = parseTable(string(text))
	}
	return all
}

func parseTable(text string) []Metric {
	var all []Metric
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		columns := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		m := Metric{Name: columns[0], Kind: columns[1], When: When(columns[3])}
		if columns[2] != "" {
			m.Labels = strings.Split(columns[2], ",")
		}
		all = append(all, m)
	}
	return all
}

// Minors are those of etcd 3 whose metrics are known, oldest first.
func Minors() []int {
	var all []int
	for minor := range exported {
		all = append(all, minor)
	}
	slices.Sort(all)
	return all
}

// Exported lists what a minor of etcd 3 exports, by name.
func Exported(minor int) []Metric { return slices.Clone(exported[minor]) }

// find gives the metric of that name.
func find(minor int, name string) (Metric, bool) {
	i := slices.IndexFunc(exported[minor], func(m Metric) bool { return m.Name == name })
	if i < 0 {
		return Metric{}, false
	}
	return exported[minor][i], true
}

// Metrics begin with the name of whoever defines them.
var metricName = regexp.MustCompile(`\b(?:etcd|grpc_server|process|os_fd|go)_[a-z0-9_]+`)

// metricsOf are those that an expression asks for: of a histogram, not its parts.
func metricsOf(expr string) []string {
	var names []string
	for _, name := range metricName.FindAllString(expr, -1) {
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			name = strings.TrimSuffix(name, part)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
