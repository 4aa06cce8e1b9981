package runtimetest

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"slices"

	"github.com/etcdctr/etcdctr/runtime"
)

// fillExchangesData is the contract of runtime.Filler.
func fillExchangesData(s *subject) {
	filler, ok := s.runtime.(runtime.Filler)
	if !ok {
		s.Skip("this runtime's servers can't be filled")
	}
	c := s.place(s.spec(1))
	if where, err := filler.Fill(s.ctx, c, "etcd1", logOnly(s)); err != nil || where != "" {
		s.Fatalf("Fill of a server that was never there gave %q and %v", where, err)
	}
	s.wantData("etcd1", runtime.Kept)
	if _, err := s.runtime.SetAside(s.ctx, s.name, "etcd1"); err != nil {
		s.Fatal(err)
	}
	s.apply(c)
	s.write("old")
	if files, err := filler.Files(s.ctx, s.name, "etcd1"); err == nil {
		files.Close()
		s.Error("the data of a server that runs can be taken")
	}
	if _, err := filler.Fill(s.ctx, c, "etcd1", logOnly(s)); err == nil {
		s.Error("a server that runs can be filled")
	}
	s.stop("etcd1")
	s.wantFiles(filler, "etcd1", "member/snap/db", "member/wal/0000000000000000-0000000000000000.wal")
	if etcd, err := filler.Etcd(s.ctx, c, "etcd1", s.TempDir()); err != nil || etcd == "" {
		s.Errorf("Etcd gave %q and %v", etcd, err)
	}
	broken := io.MultiReader(io.LimitReader(logOnly(s), 700), failing{})
	if where, err := filler.Fill(s.ctx, c, "etcd1", broken); err == nil || where != "" {
		s.Errorf("Fill with half an archive gave %q and %v", where, err)
	}
	where, err := filler.Fill(s.ctx, c, "etcd1", logOnly(s))
	if err != nil || where == "" {
		s.Fatalf("Fill over data gave %q and %v", where, err)
	}
	if all, err := filler.Aside(s.ctx, s.name, "etcd1"); err != nil || !slices.Contains(all, where) {
		s.Errorf("Aside gave %q and %v, want %s among them", all, err, where)
	}
	if !s.f.Holds(s.T, s.name, "etcd1", where) {
		s.Errorf("what Fill has set aside is not at %s", where)
	}
	if err := filler.BringBack(s.ctx, s.name, "etcd1", where+"0"); err == nil {
		s.Error("what was not set aside can be brought back")
	}
	if err := filler.BringBack(s.ctx, s.name, "etcd1", where); err != nil {
		s.Fatal(err)
	}
	s.apply(c)
	s.wantValue("etcd1", "old")
}

// wantFiles wants files in the data of a server.
func (s *subject) wantFiles(filler runtime.Filler, server string, names ...string) {
	s.Helper()
	files, err := filler.Files(s.ctx, s.name, server)
	if err != nil {
		s.Fatal(err)
	}
	defer files.Close()
	found := map[string]bool{}
	for from := tar.NewReader(files); ; {
		h, err := from.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			s.Fatal(err)
		}
		found[h.Name] = h.Size > 0
	}
	for _, name := range names {
		if !found[name] {
			s.Errorf("%s is not in the data of %s, or empty: %v", name, server, found)
		}
	}
}

// logOnly is what makes a server's data look like etcd's.
func logOnly(s *subject) io.Reader {
	s.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	text := bytes.Repeat([]byte("log"), 1000)
	err := w.WriteHeader(&tar.Header{Name: "member/", Typeflag: tar.TypeDir, Mode: 0o700})
	if err == nil {
		err = w.WriteHeader(&tar.Header{Name: "member/wal/0.wal", Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(text))})
	}
	if err == nil {
		_, err = w.Write(text)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		s.Fatal(err)
	}
	return &b
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("cut off") }
