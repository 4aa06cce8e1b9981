package terminal

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Table writes rows under a header as aligned columns without borders, the way
// Docker's own tools do, so that `awk` and eyes both get along with it.
func Table(out io.Writer, header []string, rows [][]string) {
	t := table.NewWriter()
	t.SetOutputMirror(out)
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

// Plural writes "1 member", "3 members".
func Plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// HumanBytes writes a number of bytes the way Docker's tools do.
func HumanBytes(n int64) string {
	if n < 1e6 {
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// Unknown stands in a table for what is not known, or is not there.
const Unknown = "-"

// OrDash is what is known, or Unknown.
func OrDash(s string) string {
	if s == "" {
		return Unknown
	}
	return s
}
