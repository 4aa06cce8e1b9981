// Package pages runs what the project's pages show, so that none can rot.
//
// A page is read by somebody who types what it shows, from top to bottom, in one
// folder. So does this package: an indented block is commands, a fenced one a file.
//
//	$ etcdctr ps        in a block with such lines these are the commands, and
//	NAME   PROGRAM      the others what they print
//
// A block without any `$ ` is commands only, as for a shell. What is printed is
// compared but for what differs each time: figures, identifiers, spaces; and `…`
// stands for anything. Comments, which nobody sees who reads the page, tell the
// rest of the block after them, or of the page:
//
//	<!-- needs: docker -->             at the top: the page takes an engine; it is read here, not run
//	<!-- not run: why -->              the block can't be run here
//	<!-- file: NAME -->                the block is this file
//	<!-- before: COMMANDS -->          are run first, and say nothing on the page
//	<!-- with: TEXT=COMMAND -->        a placeholder, and what prints what it stands for
//	<!-- fails -->                     the commands end with an error
//	<!-- any order -->                 the lines that are printed may come in another order
//	<!-- stays: COMMANDS -->           the commands stay until Ctrl-C, which comes once these succeed
//
// A block of YAML that no comment names is the cluster file. A fenced block in Go is a
// program, which the tests of its package compile.
package pages

import (
	"bufio"
	"fmt"
	"regexp"
	"strings"
)

// Page is what there is to run of one.
type Page struct {
	Name   string
	Docker bool // it takes an engine
	Blocks []Block
}

// Block is commands or a file.
type Block struct {
	Line   int // of the page, from 1
	File   string
	Text   string
	Before []string
	With   [][2]string // a placeholder, and the command that prints what is meant
	Fails  bool
	Mixed  bool // what is printed may come in another order
	Stays  string
	NotRun string // why
	Go     bool
}

var comment = regexp.MustCompile(`(?s)^<!-- (needs|not run|file|before|with|fails|any order|stays)(?::\s(.*?))?\s?-->$`)

// Parse reads a page. A comment that looks like one of ours and is none is an
// error, and so is a fenced block of which nobody says what it is.
func Parse(name, text string) (*Page, error) {
	p := &Page{Name: name}
	r := &reader{page: p}
	in := bufio.NewScanner(strings.NewReader(text))
	in.Buffer(nil, len(text)+1)
	for in.Scan() {
		r.number++
		if err := r.line(in.Text()); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, r.number, err)
		}
	}
	r.end()
	return p, r.err
}

// reader is where Parse is.
type reader struct {
	page   *Page
	number int
	next   Block    // what comments say of the next block
	marked bool     // they say something
	block  []string // lines of the block so far
	fence  string   // its language, if it is a fenced one
	state  state
	text   []string // of a comment over several lines
	blank  bool     // the line before was blank, or the page's first
	err    error
}

type state int

const (
	outside state = iota
	fenced
	indented
	commented
)

func (r *reader) line(s string) error {
	switch {
	case r.state == commented:
		r.text = append(r.text, s)
		if strings.HasSuffix(s, "-->") {
			r.state = outside
			return r.comment(strings.Join(r.text, "\n"))
		}
	case r.state == fenced && strings.HasPrefix(s, "```"):
		return r.endFence()
	case r.state == fenced:
		r.block = append(r.block, s)
	case strings.HasPrefix(s, "    ") && (r.state == indented || r.blank || r.number == 1):
		if r.state != indented {
			r.next.Line, r.state = r.number, indented
		}
		r.block = append(r.block, s[4:])
	case s == "" && r.state == indented:
		r.block = append(r.block, "")
	default:
		r.end()
		return r.prose(s)
	}
	r.blank = s == ""
	return nil
}

// prose is a line outside of blocks.
func (r *reader) prose(s string) error {
	r.blank = s == ""
	switch {
	case strings.HasPrefix(s, "```"):
		r.state, r.fence, r.next.Line = fenced, strings.TrimPrefix(s, "```"), r.number
	case strings.HasPrefix(s, "<!--"):
		r.blank = true // a comment is nothing to a reader
		if !strings.HasSuffix(s, "-->") {
			r.state, r.text = commented, []string{s}
			return nil
		}
		return r.comment(s)
	}
	return nil
}

func (r *reader) comment(s string) error {
	r.blank = true
	m := comment.FindStringSubmatch(s)
	if m == nil {
		return fmt.Errorf("%q is no comment that package pages knows", s)
	}
	r.marked = m[1] != "needs"
	value := strings.TrimSpace(m[2])
	switch m[1] {
	case "needs":
		r.page.Docker = value == "docker"
	case "not run":
		r.next.NotRun = value
	case "file":
		r.next.File = value
	case "before":
		r.next.Before = append(r.next.Before, value)
	case "with":
		placeholder, command, ok := strings.Cut(value, "=")
		if !ok {
			return fmt.Errorf("with: %q is not PLACEHOLDER=COMMAND", value)
		}
		r.next.With = append(r.next.With, [2]string{placeholder, command})
	case "fails":
		r.next.Fails = true
	case "any order":
		r.next.Mixed = true
	case "stays":
		r.next.Stays = value
	}
	return nil
}

func (r *reader) endFence() error {
	r.next.Go = r.fence == "go"
	if r.fence == "yaml" && r.next.File == "" {
		r.next.File = "etcdctr.yaml"
	}
	if r.next.File == "" && r.next.NotRun == "" && !r.next.Go {
		return fmt.Errorf("a block of %q that is neither a file nor said not to be run", r.fence)
	}
	r.keep()
	return nil
}

// end ends an indented block.
func (r *reader) end() {
	if r.state == indented {
		r.keep()
	}
}

func (r *reader) keep() {
	r.next.Text = strings.TrimRight(strings.Join(r.block, "\n"), "\n") + "\n"
	r.page.Blocks = append(r.page.Blocks, r.next)
	r.next, r.block, r.marked, r.state = Block{}, nil, false, outside
}

// beyond finds commands that would reach what is not the folder of the page: the
// machine's own files and services, or other machines.
var beyond = regexp.MustCompile(`(^|[\s=:'"])(/(etc|usr|var|opt|srv|home|root|backups)\b|~/)|\b(sudo|systemctl|apt-get|brew|curl|wget|ssh|scp)\b`)

// Beyond reports whether a block reaches what is not the folder of its page. It is
// not to be run then, wherever it is.
func (b Block) Beyond() bool {
	text := b.Text
	for _, w := range b.With {
		text = strings.ReplaceAll(text, w[0], "")
	}
	if b.File != "" {
		return false
	}
	for _, c := range b.Calls() {
		if beyond.MatchString(c.Command) && beyond.MatchString(text) {
			return true
		}
	}
	return false
}

// NotRun are the blocks that can't be run, each as LINE: REASON.
func (p *Page) NotRun() []string {
	var all []string
	for _, b := range p.Blocks {
		if b.NotRun != "" {
			all = append(all, fmt.Sprintf("%s: %s", p.Name, b.NotRun))
		}
	}
	return all
}

// Call is a command line with what it prints, if the page shows it.
type Call struct {
	Command string
	Prints  string
	Shown   bool // the page shows what is printed
}

// Calls are the command lines of a block, in order. One that ends in a backslash,
// or is no whole one for a shell, goes on in the next line.
func (b Block) Calls() []Call {
	if !strings.HasPrefix(b.Text, "$ ") && !strings.Contains(b.Text, "\n$ ") {
		return []Call{{Command: b.Text}}
	}
	var calls []Call
	open := false
	for line := range strings.Lines(b.Text) {
		command, is := strings.CutPrefix(line, "$ ")
		switch last := len(calls) - 1; {
		case is:
			calls = append(calls, Call{Command: command})
			open = strings.HasSuffix(command, "\\\n")
		case open:
			calls[last].Command += line
			open = strings.HasSuffix(line, "\\\n")
		case last >= 0:
			calls[last].Prints += line
			calls[last].Shown = true
		}
	}
	return calls
}
