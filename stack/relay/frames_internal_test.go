package relay

import (
	"bytes"
	"io"
	"net"
	"testing"

	"github.com/hashicorp/yamux"
)

// counting counts what is written into a stream.
type counting struct {
	io.ReadWriteCloser
	writes chan []byte
}

func (c counting) Write(p []byte) (int, error) {
	c.writes <- bytes.Clone(p)
	return c.ReadWriteCloser.Write(p)
}

// What an engine carries, it carries write by write.
func TestAFrameIsWrittenInOnePiece(t *testing.T) {
	here, there := net.Pipe()
	writes := make(chan []byte, 10)
	client, err := yamux.Client(&frames{ReadWriteCloser: counting{here, writes}}, configuration())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := yamux.Server(there, configuration())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		if s, err := server.Accept(); err == nil {
			_, _ = io.Copy(s, s)
		}
	}()
	stream, err := client.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{"hello", "goodbye"} {
		if _, err := stream.Write([]byte(said)); err != nil {
			t.Fatal(err)
		}
		heard := make([]byte, len(said))
		if _, err := io.ReadFull(stream, heard); err != nil || string(heard) != said {
			t.Fatalf("it says %q: %v", heard, err)
		}
		for frame := range writes { // what opens the stream, and pings, are frames of their own
			if len(frame) == headSize && bringsBytes(frame) {
				t.Fatal("the head of a frame is written by itself")
			}
			if bytes.HasSuffix(frame, []byte(said)) {
				break
			}
		}
	}
}
