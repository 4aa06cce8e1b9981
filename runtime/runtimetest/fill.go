package runtimetest

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/etcdctr/etcdctr/cluster"
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

// stageExchangesLater is the contract of runtime.Stager.
func stageExchangesLater(s *subject) {
	stager, ok := s.runtime.(runtime.Stager)
	filler, fills := s.runtime.(runtime.Filler)
	if !ok || !fills {
		s.Skip("the data of this runtime's servers can't be made before it is exchanged")
	}
	c := s.place(s.spec(1))
	s.apply(c)
	s.write("old")
	if err := stager.Stage(s.ctx, c, "etcd1", runtime.Restoration{}, madeOf(s, false)); err == nil {
		s.Error("data is staged for a server that runs")
	}
	s.stop("etcd1")
	first := runtime.Restoration{ID: "first", Over: []string{"etcd1"}, Again: []string{"restore", "a file"}}
	half := madeOf(s, false)
	half.Database += " of nobody"
	if err := stager.Stage(s.ctx, c, "etcd1", first, half); err == nil {
		s.Error("data without a database is staged")
	}
	s.wantStaged(stager, nil, nil)
	if where, err := stager.Exchange(s.ctx, c, "etcd1"); err == nil {
		s.Errorf("what was not staged has taken the place of what is in %q", where)
	}
	s.stage(stager, c, runtime.Restoration{ID: "zeroth"}, true)
	s.stage(stager, c, first, false)
	s.wantStaged(stager, &first, nil)
	s.wantFiles(filler, "etcd1", "member/snap/db")
	where, err := stager.Exchange(s.ctx, c, "etcd1")
	if err != nil || where == "" {
		s.Fatalf("Exchange gave %q and %v", where, err)
	}
	s.wantStaged(stager, nil, &first)
	if all, err := filler.Aside(s.ctx, s.name, "etcd1"); err != nil || len(all) == 0 || all[0] != where {
		s.Errorf("Aside gave %q and %v, want %s first", all, err, where)
	}
	first.TakenBack = 7
	if err := stager.Remark(s.ctx, s.name, "etcd1", first); err != nil {
		s.Error(err)
	}
	s.wantStaged(stager, nil, &first)
	s.wantAsideMadeBy(stager, where, nil)
	if err := filler.BringBack(s.ctx, s.name, "etcd1", where); err != nil {
		s.Fatal(err)
	}
	s.wantStaged(stager, nil, nil)
	newest, err := filler.Aside(s.ctx, s.name, "etcd1")
	if err != nil || len(newest) == 0 {
		s.Fatalf("Aside gave %q and %v", newest, err)
	}
	s.wantAsideMadeBy(stager, newest[0], &first)
	if err := filler.BringBack(s.ctx, s.name, "etcd1", newest[0]); err != nil {
		s.Fatal(err)
	}
	s.wantStaged(stager, nil, &first)
	if all, err := filler.Aside(s.ctx, s.name, "etcd1"); err != nil || len(all) == 0 {
		s.Fatalf("Aside gave %q and %v", all, err)
	} else {
		where = all[0]
	}
	if err := stager.Retract(s.ctx, s.name, "etcd1", where+"0"); err == nil {
		s.Error("what was not set aside can take the place")
	}
	if err := stager.Retract(s.ctx, s.name, "etcd1", where); err != nil {
		s.Fatal(err)
	}
	s.wantStaged(stager, &first, nil)
	for range 2 {
		if err := stager.Unstage(s.ctx, s.name, "etcd1"); err != nil {
			s.Fatal(err)
		}
	}
	s.wantStaged(stager, nil, nil)
	s.apply(c)
	s.wantValue("etcd1", "old")
}

func (s *subject) stage(stager runtime.Stager, c *cluster.Cluster, by runtime.Restoration, own bool) {
	s.Helper()
	made := madeOf(s, own)
	if err := stager.Stage(s.ctx, c, "etcd1", by, made); err != nil {
		s.Fatal(err)
	}
	if got, err := os.ReadFile(made.Database); err != nil || string(got) != database {
		s.Errorf("the database that others are made of holds %q, %v", got, err)
	}
}

const database = "what all hold"

// madeOf is on this machine what makes a server's data look like etcd's.
func madeOf(s *subject, own bool) runtime.Made {
	s.Helper()
	scratch := s.TempDir()
	made := runtime.Made{Dir: filepath.Join(scratch, "made"), Database: filepath.Join(scratch, "db"), Own: own}
	for _, folder := range []string{"snap", "wal"} {
		if err := os.MkdirAll(filepath.Join(made.Dir, "member", folder), 0o700); err != nil {
			s.Fatal(err)
		}
	}
	for file, text := range map[string]string{filepath.Join(made.Dir, "member", "wal", "0.wal"): "log", made.Database: database} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			s.Fatal(err)
		}
	}
	return made
}

// wantStaged wants what is staged, and what is in its place, to be of these.
func (s *subject) wantStaged(stager runtime.Stager, waits, made *runtime.Restoration) {
	s.Helper()
	staged, err := stager.Staged(s.ctx, s.name, "etcd1")
	if err != nil || !reflect.DeepEqual(staged, waits) {
		s.Errorf("staged is %+v, %v; want %+v", staged, err, waits)
	}
	by, err := stager.MadeBy(s.ctx, s.name, "etcd1")
	if err != nil || !reflect.DeepEqual(by, made) {
		s.Errorf("the data is made by %+v, %v; want %+v", by, err, made)
	}
	have := s.observe()
	seen, err := runtime.WithRestoring(s.ctx, s.runtime, have)
	if err != nil {
		s.Fatal(err)
	}
	if x, _ := seen.Server("etcd1"); !reflect.DeepEqual(x.Restoring, waits) {
		s.Errorf("in the state it is %+v, want %+v", x.Restoring, waits)
	}
}

func (s *subject) wantAsideMadeBy(stager runtime.Stager, where string, want *runtime.Restoration) {
	s.Helper()
	if by, err := stager.AsideMadeBy(s.ctx, s.name, "etcd1", where); err != nil || !reflect.DeepEqual(by, want) {
		s.Errorf("what is in %s is made by %+v, %v; want %+v", where, by, err, want)
	}
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
