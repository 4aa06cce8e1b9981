package main

import (
	"crypto/rand"
	"io"
	"os"
	"time"

	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
)

// app is the world a command runs in. Tests hand in their own.
type app struct {
	in      io.Reader
	out     io.Writer      // results only: what a script would read
	voice   terminal.Voice // everything said to a person
	colours bool           // whether there are colours in results
	now     func() time.Time
	random  io.Reader
	further int // than etcd's usual ports processes are
}

// further is that of every app; tests, which are many at a time, change it.
var further int

func newApp() *app {
	return &app{
		in: os.Stdin, out: os.Stdout, now: time.Now, random: rand.Reader,
		further: further, colours: terminal.Colourful(os.Stdout),
		voice: terminal.Voice{Out: os.Stderr, Colours: terminal.Colourful(os.Stderr)},
	}
}
