package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/internal/outfile"
)

// This file writes results: what a script would read, or what somebody keeps.

// printJSON writes a result for a script.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// printJSONLine writes one result of several.
func (a *app) printJSONLine(v any) error { return json.NewEncoder(a.out).Encode(v) }

// printTable writes rows under a header as aligned columns without borders,
// the way Docker's own tools do, so that `awk` and eyes both get along with it.
func (a *app) printTable(header []string, rows [][]string) {
	t := table.NewWriter()
	t.SetOutputMirror(a.out)
	t.SetStyle(plainStyle)
	t.SuppressTrailingSpaces()
	t.AppendHeader(tableRow(header))
	for _, r := range rows {
		t.AppendRow(tableRow(r))
	}
	t.Render()
}

var plainStyle = table.Style{
	Name:    "plain",
	Box:     table.BoxStyle{PaddingRight: "  "},
	Format:  table.FormatOptions{Header: text.FormatUpper},
	Options: table.OptionsNoBordersAndSeparators,
}

func tableRow(cells []string) table.Row {
	row := make(table.Row, len(cells))
	for i, c := range cells {
		row[i] = c
	}
	return row
}

// writeResult writes a command's result to standard output, or whole to a file.
func (a *app) writeResult(output string, data []byte) error {
	if output == "" {
		_, err := a.out.Write(data)
		return err
	}
	if err := outfile.Write(output, data, 0o644); err != nil {
		return fmt.Errorf("cannot write %s: %w", output, err)
	}
	return nil
}

// writeFile writes a file whole, and the folders that it is in.
func writeFile(path string, data []byte, mode fs.FileMode) error {
	return outfile.Folder(filepath.Dir(path), mode, outfile.File{Name: filepath.Base(path), Data: data})
}

// writeFolder writes files into a folder: all, or none.
func writeFolder(dir string, files []compose.File) error {
	var all []outfile.File
	for _, f := range files {
		all = append(all, outfile.File(f))
	}
	if err := outfile.Folder(dir, 0o644, all...); err != nil {
		return fmt.Errorf("cannot write the files of %s: %w", dir, err)
	}
	return nil
}

// plural writes "1 member", "3 members".
func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// humanBytes writes a number of bytes the way Docker's tools do.
func humanBytes(n int64) string {
	if n < 1e6 {
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// unknown stands in a table for what is not known, or is not there.
const unknown = "-"

func orDash(s string) string {
	if s == "" {
		return unknown
	}
	return s
}
