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
	now    func() time.Time
	random io.Reader
}

func newApp() *app {
	return &app{in: os.Stdin, out: os.Stdout, errOut: os.Stderr, now: time.Now, random: rand.Reader}
}
