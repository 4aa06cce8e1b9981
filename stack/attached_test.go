package stack

import (
	"bufio"
	"io"
	"net"
	"testing"

	"github.com/moby/moby/client"
)

// What a program says of a mistake is told apart from what it says else, wherever frames
// begin and end.
func TestAttachedOutputIsTakenApart(t *testing.T) {
	there, here := net.Pipe()
	s := newAttachedStream(client.HijackedResponse{Conn: here, Reader: bufio.NewReader(here)})
	go func() {
		defer there.Close()
		for _, frame := range []string{
			"\x01\x00\x00\x00\x00\x00\x00\x05hello", "\x02\x00\x00\x00\x00\x00\x00\x05wrong",
			"\x01\x00\x00\x00\x00\x00\x00\x00", "\x01\x00\x00\x00\x00\x00\x00\x06 again",
		} {
			if _, err := io.WriteString(there, frame); err != nil {
				t.Error(err)
			}
		}
	}()
	heard, err := io.ReadAll(s)
	if err != nil || string(heard) != "hello again" {
		t.Errorf("it says %q, %v", heard, err)
	}
	if err := s.said(); err == nil || err.Error() != "wrong" {
		t.Errorf("it complains of %v", err)
	}
}

func TestAnEngineThatCannotGoOnSaysWhy(t *testing.T) {
	there, here := net.Pipe()
	s := newAttachedStream(client.HijackedResponse{Conn: here, Reader: bufio.NewReader(here)})
	go func() {
		defer there.Close()
		_, _ = io.WriteString(there, "\x03\x00\x00\x00\x00\x00\x00\x04gone") // its reader has what it wants by then
	}()
	if _, err := io.ReadAll(s); err == nil || err.Error() != `the engine's connection to it failed: "gone"` {
		t.Errorf("it ends with %v", err)
	}
}
