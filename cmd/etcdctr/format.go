package main

import (
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

const (
	formatTable = "table"
	formatJSON  = "json"
)

// addFormatFlag adds --format table|json, the same on every command whose
// result a script would read.
func addFormatFlag(cmd *cobra.Command, format *string) {
	*format = formatTable
	cmd.Flags().Var(&typed.Choice{Value: format, Of: []string{formatTable, formatJSON}}, "format",
		"how the result looks: table or json")
}

// result writes what a command has come to: for a script as JSON, and for a person by
// text, which is nil where all was said on the way.
func (a *app) result(format string, v any, text func()) error {
	if format == formatJSON {
		return a.printJSON(v)
	}
	if text != nil {
		text()
	}
	return nil
}

// table is the text of rows under a header.
func (a *app) table(header []string, rows [][]string) func() {
	return func() { terminal.Table(a.out, header, rows) }
}
