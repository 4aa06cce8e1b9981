// Package terminal is how the command line looks: what is said to a person, on which
// board the progress of work is shown, and how results are laid out. It decides
// nothing and knows no command.
package terminal

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// Loudness is how much something that is said matters.
type Loudness string

// The kinds of what is said.
const (
	Note    Loudness = "note"
	Warning Loudness = "warning"
	Failure Loudness = "error"
	Hint    Loudness = "hint"
)

// Colours of what is well, of what is not, and of what may not be.
var (
	Good = text.Colors{text.FgGreen}
	Odd  = text.Colors{text.FgYellow}
	Bad  = text.Colors{text.FgRed}
)

// prefixes say how loud a line is, where that is not said by its place.
var prefixes = map[Loudness]struct {
	text   string
	colour text.Colors
}{
	Warning: {"warning: ", Odd}, Failure: {"", Bad}, Hint: {"hint: ", text.Colors{text.FgCyan}},
}

// Voice says lines under the program's name: to a person, in colours, or to a program
// that reads them, as JSON.
type Voice struct {
	Out     io.Writer
	Colours bool
	Machine bool                     // a program reads what is said
	Retype  func(text string) string // the commands in a text as they have to be typed here; nil leaves them
}

// Message is what is said, for programs.
type Message struct {
	Level Loudness `json:"level"`
	Text  string   `json:"text"`
}

// Retyped is a text with its commands as they have to be typed here.
func (v *Voice) Retyped(text string) string {
	if v.Retype == nil {
		return text
	}
	return v.Retype(text)
}

// Say says a line.
func (v *Voice) Say(level Loudness, line string) {
	line = v.Retyped(line)
	if v.Machine {
		v.TellMachine(Message{level, line})
		return
	}
	p := prefixes[level]
	line = p.text + line
	if v.Colours {
		line = p.colour.Sprint(line)
	}
	fmt.Fprintf(v.Out, "etcdctr: %s\n", line)
}

// TellMachine writes a line of JSON.
func (v *Voice) TellMachine(what any) {
	enc := json.NewEncoder(v.Out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(what) // a reader that went away is no failure of the command
}

// Colourful reports whether colours are seen and wanted.
// Source: https://no-color.org
func Colourful(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == ""
}
