package main

import (
	"crypto/rand"
	"io"
	"os"
	"time"
)

// app is the world a command runs in. Tests hand in their own.
type app struct {
	in     io.Reader
	out    io.Writer // results only: what a script would read
	errOut io.Writer // everything said to a person
	// colours and loudColours say whether there are colours in results and in what
	// is said.
	colours, loudColours bool
	// machine says that a program reads what is said: --progress json.
	machine bool
	now     func() time.Time
	random  io.Reader
	further int // than etcd's usual ports processes are
}

// further is that of every app; tests, which are many at a time, change it.
var further int

func newApp() *app {
	return &app{
		in: os.Stdin, out: os.Stdout, errOut: os.Stderr, now: time.Now, random: rand.Reader,
		further: further, colours: colourful(os.Stdout), loudColours: colourful(os.Stderr),
	}
}
