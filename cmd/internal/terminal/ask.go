package terminal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Asker asks a person.
type Asker struct {
	In  io.Reader
	Out io.Writer
}

// Person tells whether somebody sits there to be asked.
func (a Asker) Person() bool {
	f, ok := a.In.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Ask reads one line of an answer. Whoever cancels ctx need not answer.
func (a Asker) Ask(ctx context.Context, question string) (string, error) {
	fmt.Fprintf(a.Out, "etcdctr: %s: ", question)
	answered := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.In).ReadString('\n') // none is an answer too
		answered <- strings.TrimSpace(line)
	}()
	select {
	case line := <-answered:
		return line, ctx.Err()
	case <-ctx.Done():
		fmt.Fprintln(a.Out)
		return "", ctx.Err()
	}
}

// Secret asks a Person for what nobody is to read along.
func (a Asker) Secret(ctx context.Context, what string) (string, error) {
	in := int(a.In.(*os.File).Fd())
	shown, err := term.GetState(in)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(a.Out, "etcdctr: %s: ", what)
	defer fmt.Fprintln(a.Out)
	typed := make(chan string, 1)
	go func() {
		text, _ := term.ReadPassword(in) // none is wrong, too
		typed <- string(text)
	}()
	select {
	case text := <-typed:
		return text, ctx.Err()
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), term.Restore(in, shown))
	}
}
