package terminal

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// Screen is a terminal on which one picture takes the place of the other, in as many
// lines as it needs: what was there before stays above, and the last picture stays
// when the command ends.
type Screen struct {
	Out     io.Writer
	Size    func() (width, height int)
	Colours bool

	drawn int // lines of the last picture
}

// NewScreen gives nil where there is no terminal to draw on.
func NewScreen(out io.Writer) *Screen {
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return &Screen{Out: f, Colours: Colourful(f), Size: func() (int, int) {
		width, height, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return 80, 24
		}
		return width, height
	}}
}

// Draw draws lines over those before. It takes no more than there are, or the first of
// them could not be reached again.
func (s *Screen) Draw(lines []string) error {
	width, height := s.Size()
	if most := max(1, height-2); len(lines) > most {
		lines = append(lines[:most:most], s.Paint(text.Faint, fmt.Sprintf("… %d more lines", len(lines)-most)))
	}
	var b strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.drawn)
	}
	for _, l := range lines {
		b.WriteString("\r\x1b[2K" + text.Trim(l, width) + "\n")
	}
	b.WriteString("\x1b[J")
	s.drawn = len(lines)
	_, err := io.WriteString(s.Out, b.String())
	return err
}

// Paint colours a piece of a picture.
func (s *Screen) Paint(c text.Color, t string) string {
	if !s.Colours || c == 0 {
		return t
	}
	return c.Sprint(t)
}

var sparks = []rune("▁▂▃▄▅▆▇█")

// Spark draws values from zero to their greatest; where a member was silent there is
// a gap.
func Spark(values []float64) string {
	if len(values) == 0 {
		return ""
	}
	most := slices.Max(values)
	var b strings.Builder
	for _, v := range values {
		if v == 0 {
			b.WriteByte(' ')
			continue
		}
		b.WriteRune(sparks[min(len(sparks)-1, int(v/most*float64(len(sparks)-1)+0.5))])
	}
	return b.String()
}

// Columns aligns cells, whatever colours they have.
func Columns(rows [][]string) []string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], text.StringWidthWithoutEscSequences(cell))
		}
	}
	var lines []string
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 && widths[i] > 0 {
				b.WriteString(strings.Repeat(" ", widths[i]-text.StringWidthWithoutEscSequences(cell)+2))
			}
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return lines
}
