package terminal

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/internal/outfile"
)

// Console is what a command reads from and writes to, and how it speaks: every line that a
// person reads passes through it. Lower case, no full stop: what happened, to what, what
// to do.
type Console struct {
	In      io.Reader
	Out     io.Writer // results only: what a script would read
	Voice   Voice     // everything said to a person
	Colours bool      // whether there are colours in results
	Now     func() time.Time
}

// NewConsole is that of a program.
func NewConsole() *Console {
	return &Console{
		In: os.Stdin, Out: os.Stdout, Now: time.Now, Colours: Colourful(os.Stdout),
		Voice: Voice{Out: os.Stderr, Colours: Colourful(os.Stderr)},
	}
}

// Say tells a person something on standard error.
func (c *Console) Say(format string, args ...any) {
	c.Voice.Say(Note, fmt.Sprintf(format, args...))
}

// Warn is Say for what may surprise later, one line for each of the errors joined in it.
func (c *Console) Warn(format string, args ...any) {
	for line := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		c.Voice.Say(Warning, line)
	}
}

// WarnAll warns of each.
func WarnAll[T any](c *Console, notes []T) {
	for _, n := range notes {
		c.Warn("%v", n)
	}
}

// Fail prints an error, one line for each of the errors joined in it, and its
// hint if it has one.
func (c *Console) Fail(err error) {
	for _, line := range strings.Split(err.Error(), "\n") {
		c.Voice.Say(Failure, line)
	}
	if hints.Of(err) == "" {
		return
	}
	for hint := range strings.SplitSeq(hints.Of(err), "\n") {
		c.Voice.Say(Hint, hint)
	}
}

// Tint colours a piece of a result.
func (c *Console) Tint(colour text.Colors, s string) string {
	if !c.Colours || len(colour) == 0 {
		return s
	}
	return colour.Sprint(s)
}

// NewBoard gives the board of a mode.
func (c *Console) NewBoard(mode string) Board { return NewBoard(mode, &c.Voice, c.Now) }

// Asker asks whoever sits there.
func (c *Console) Asker() Asker { return Asker{In: c.In, Out: c.Voice.Out} }

// Person tells whether somebody does.
func (c *Console) Person() bool { return c.Asker().Person() }

// Ask reads one line of an answer.
func (c *Console) Ask(ctx context.Context, question string) (string, error) {
	return c.Asker().Ask(ctx, question)
}

// AskFor goes on only where a name is typed, which is that of what, and else says what has
// not been done.
func (c *Console) AskFor(ctx context.Context, question, name, what, instead string) error {
	answer, err := c.Ask(ctx, question)
	if err == nil && answer != name {
		err = fmt.Errorf("%q is not %s: %s", answer, what, instead)
	}
	return err
}

// AskName goes on only where the cluster's name is typed.
func (c *Console) AskName(ctx context.Context, cluster string) error {
	return c.AskFor(ctx, "type the name of the cluster to go on", cluster, "the name of the cluster, "+cluster, "nothing was touched")
}

// Result writes what a command has come to: for a script as JSON, and for a person by
// text, which is nil where all was said on the way.
func (c *Console) Result(format string, v any, text func()) error {
	if format == JSON {
		return c.PrintJSON(v)
	}
	if text != nil {
		text()
	}
	return nil
}

// Table is the text of rows under a header.
func (c *Console) Table(header []string, rows [][]string) func() {
	return func() {
		for _, row := range rows {
			for i, cell := range row {
				row[i] = c.Voice.Retyped(cell)
			}
		}
		Table(c.Out, header, rows)
	}
}

// PrintJSON writes a result for a script.
func (c *Console) PrintJSON(v any) error {
	return c.printJSON(v, func(enc *json.Encoder) {
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
	})
}

// PrintJSONLine writes one result of several.
func (c *Console) PrintJSONLine(v any) error { return c.printJSON(v, func(*json.Encoder) {}) }

func (c *Console) printJSON(v any, as func(*json.Encoder)) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	as(enc)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := c.Out.Write(jsonStrings.ReplaceAllFunc(text.Bytes(), c.retypedJSON))
	return err
}

// jsonStrings are the strings of a text of JSON.
var jsonStrings = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// retypedJSON is a string of JSON with its commands as they have to be typed here.
func (c *Console) retypedJSON(literal []byte) []byte {
	var text string
	if !bytes.ContainsRune(literal, '`') || json.Unmarshal(literal, &text) != nil {
		return literal
	}
	retyped := c.Voice.Retyped(text)
	if retyped == text {
		return literal
	}
	var changed bytes.Buffer
	enc := json.NewEncoder(&changed)
	enc.SetEscapeHTML(false)
	if enc.Encode(retyped) != nil {
		return literal
	}
	return bytes.TrimSpace(changed.Bytes())
}

// Write writes a command's result to standard output, or whole to a file.
func (c *Console) Write(output string, data []byte) error {
	if output == "" {
		_, err := c.Out.Write(data)
		return err
	}
	if err := outfile.Write(output, data, 0o644); err != nil {
		return fmt.Errorf("cannot write %s: %w", output, err)
	}
	return nil
}
