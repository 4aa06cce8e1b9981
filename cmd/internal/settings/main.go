// Command settings writes the tables of etcd's settings that package cluster
// goes by, one for each minor, read from the real programs. `make settings`
// runs it. Its arguments are modules that pin an etcd server, such as
// tools/etcd-3.6, and etcd programs, where a release can't be built any more.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	out := flag.String("out", "cluster/releases", "folder of the tables")
	flag.Parse()
	if err := write(context.Background(), *out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "settings:", err)
		os.Exit(1)
	}
}

// write reads modules first: they, and the tables that are there, tell the names
// that a program is asked for beside those that its help mentions.
func write(ctx context.Context, out string, sources []string) error {
	var programs []string
	tables := map[string][]setting{}
	for _, source := range sources {
		if info, err := os.Stat(source); err != nil {
			return err
		} else if !info.IsDir() {
			programs = append(programs, source)
			continue
		}
		release, settings, err := ofModule(ctx, source)
		if err != nil {
			return err
		}
		tables[release] = settings
	}
	known, err := allOf(out, tables)
	if err != nil {
		return err
	}
	for _, program := range programs {
		release, settings, err := ofProgram(ctx, program, known)
		if err != nil {
			return err
		}
		tables[release] = settings
	}
	for release, settings := range tables {
		if err := writeTable(out, release, settings); err != nil {
			return err
		}
	}
	return nil
}

// setting is a line of a table, see Option in package cluster.
type setting struct {
	name, kind string
	allowed    []string
	fallback   string
	standing   string
}

// allOf gives the settings of several releases, and of the tables that are in a
// folder, by their names.
func allOf(out string, tables map[string][]setting) (map[string]setting, error) {
	files, err := filepath.Glob(filepath.Join(out, "*.tsv"))
	if err != nil {
		return nil, err
	}
	all := map[string]setting{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(data)) {
			if columns := strings.Split(line, "\t"); len(columns) == columnsOfATable && columns[2] != "" {
				all[columns[0]] = setting{name: columns[0], kind: columns[1], allowed: strings.Split(columns[2], ",")}
			} else if len(columns) == columnsOfATable {
				all[columns[0]] = setting{name: columns[0], kind: columns[1]}
			}
		}
	}
	for _, settings := range tables {
		for _, s := range settings {
			if _, ok := all[s.name]; !ok || s.standing == "" {
				all[s.name] = s
			}
		}
	}
	return all, nil
}

// columnsOfATable are those of writeTable.
const columnsOfATable = 5

var minorPattern = regexp.MustCompile(`^v(3\.\d+)\.`)

func writeTable(out, release string, settings []setting) error {
	m := minorPattern.FindStringSubmatch(release)
	if m == nil {
		return fmt.Errorf("%q is not a release of etcd 3", release)
	}
	slices.SortFunc(settings, func(a, b setting) int { return strings.Compare(a.name, b.name) })
	var b strings.Builder
	fmt.Fprintf(&b, "# Settings of etcd %s, read by `make settings`: name, kind, words, default, standing.\n", release)
	for _, s := range settings {
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\t%s\n", s.name, s.kind, strings.Join(s.allowed, ","), s.fallback, s.standing)
	}
	return os.WriteFile(filepath.Join(out, m[1]+".tsv"), []byte(b.String()), 0o644)
}
