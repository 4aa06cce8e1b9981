package carrier

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// served serves a folder until the test ends, and gives what dials it.
func served(t *testing.T, p Pass, dir string) (dial func(context.Context) (net.Conn, error)) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() { cancel(); <-ended })
	go func() {
		defer close(ended)
		_ = Serve(ctx, p, l, Folder{dir, os.Getuid(), os.Getgid()}) // the end of ctx, or what a client is told
	}()
	return func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	}
}

func pass(t *testing.T) Pass {
	t.Helper()
	made, err := NewPass()
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse(made.String())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func archive(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	var err error
	for _, dir := range []string{"member/", "member/snap/", "member/wal/"} {
		err = errors.Join(err, w.WriteHeader(&tar.Header{Name: dir, Typeflag: tar.TypeDir, Mode: 0o700}))
	}
	for _, file := range []string{"member/snap/db", "member/wal/0.wal"} {
		err = errors.Join(err, w.WriteHeader(&tar.Header{Name: file, Typeflag: tar.TypeReg, Mode: 0o600, Size: 3}))
		_, errWrite := w.Write([]byte("log"))
		err = errors.Join(err, errWrite)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestDataGoesThereAndBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p := pass(t)
	dial := served(t, p, dir)
	if err := NewClient(p, dial).Put(t.Context(), bytes.NewReader(archive(t))); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "member", "wal", "0.wal")); string(data) != "log" {
		t.Errorf("there is %q: %v", data, err)
	}
	dial = served(t, p, dir)
	data, err := NewClient(p, dial).Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	for from := tar.NewReader(data); ; {
		h, err := from.Next()
		if err != nil {
			t.Fatal("the log is not in the archive: ", err)
		}
		if h.Name == "member/wal/0.wal" && h.Size == 3 {
			return
		}
	}
}

func TestWhoeverShowsAnotherPassGetsNothing(t *testing.T) {
	p := pass(t)
	dial := served(t, p, filepath.Join(t.TempDir(), "data"))
	if err := NewClient(pass(t), dial).Put(t.Context(), bytes.NewReader(archive(t))); err == nil {
		t.Error("it was taken")
	}
	if err := NewClient(p, dial).Put(t.Context(), bytes.NewReader(archive(t))); err != nil {
		t.Errorf("the right pass is refused after that: %v", err)
	}
}

func TestHalfAnArchiveIsAnError(t *testing.T) {
	p := pass(t)
	dial := served(t, p, filepath.Join(t.TempDir(), "data"))
	half := io.MultiReader(bytes.NewReader(archive(t)[:1700]), cutOff{})
	if err := NewClient(p, dial).Put(t.Context(), half); err == nil {
		t.Error("it was taken")
	}
}

type cutOff struct{}

func (cutOff) Read([]byte) (int, error) { return 0, errors.New("cut off") }

func TestWhatIsNotThereIsNotGiven(t *testing.T) {
	p := pass(t)
	dial := served(t, p, filepath.Join(t.TempDir(), "nothing"))
	if data, err := NewClient(p, dial).Get(t.Context()); err == nil {
		data.Close()
		t.Error("there is something")
	}
}
