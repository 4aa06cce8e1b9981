package doctor_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

// What etcd says of a data folder that is not as it left it.

// with damage is a member that starts on data that something was done to.
func withDamage(damage func(t *testing.T, member string)) func(*testing.T) *etcdtest.Process {
	return func(t *testing.T) *etcdtest.Process {
		t.Helper()
		m := newPlace(t, "http", "a")
		startAll(t, []place{m})[0].Kill()
		damage(t, filepath.Join(m.data, "member"))
		return ended(t, etcdtest.Start(t, nil, m.flags([]place{m})...))
	}
}

// only is the one file of a pattern.
func only(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %v", pattern, files, err)
	}
	return files[0]
}

// flipped changes one byte of a write-ahead log, in what it holds.
func flipped(t *testing.T, member string) {
	t.Helper()
	file := only(t, filepath.Join(member, "wal", "*.wal"))
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.LastIndex(strings.TrimRight(string(data), "\x00"), "http") // the URLs that the member published
	if at < 0 {
		t.Fatal("the log holds no URL")
	}
	data[at] ^= 0xff
	write(t, file, data)
}

// overwritten is a database that is none.
func overwritten(t *testing.T, member string) {
	t.Helper()
	write(t, filepath.Join(member, "snap", "db"), []byte(strings.Repeat("no database ", 10_000)))
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// withoutLog is a member whose log was in a folder of its own, which is empty now.
func withoutLog(t *testing.T) *etcdtest.Process {
	t.Helper()
	m := newPlace(t, "http", "a")
	first := etcdtest.Start(t, nil, m.flags([]place{m}, "--wal-dir="+filepath.Join(t.TempDir(), "wal"))...)
	await(t, first, "ready to serve client requests")
	if _, err := client(t, m).Defragment(t.Context(), m.client); err != nil { // after which all is in the database
		t.Fatal(err)
	}
	first.Kill()
	return etcdtest.Start(t, nil, m.flags([]place{m}, "--wal-dir="+filepath.Join(t.TempDir(), "wal"))...)
}

// withEmptyKey is a member with auto-TLS whose key was never written whole.
func withEmptyKey(t *testing.T) *etcdtest.Process {
	t.Helper()
	m := newPlace(t, "https", "a")
	auto := []string{"--auto-tls", "--peer-auto-tls"}
	first := etcdtest.Start(t, nil, m.flags([]place{m}, auto...)...)
	await(t, first, "ready to serve client requests")
	first.Kill()
	write(t, filepath.Join(m.data, "fixtures", "peer", "key.pem"), nil)
	return ended(t, etcdtest.Start(t, nil, m.flags([]place{m}, auto...)...))
}

// withLogElsewhere is a member that is to write its log where it can't.
func withLogElsewhere(t *testing.T) *etcdtest.Process {
	t.Helper()
	m := newPlace(t, "http", "a")
	return ended(t, etcdtest.Start(t, nil, m.flags([]place{m}, "--log-outputs=/proc/etcd.log")...))
}
