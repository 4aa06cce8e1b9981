package backup_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/backup"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func request() backup.Request {
	return backup.Request{
		Cluster: "orders", ClusterFile: "name: orders\n", Time: noon,
		Authorities: map[string][]byte{"client-ca": []byte("a certificate\n")},
	}
}

func TestABackupIsTakenVerifiedAndListed(t *testing.T) {
	t.Parallel()
	c := start(t, []string{"etcd1", "etcd2", "etcd3"})
	revision := write(t, c.raw(t), 300, 1000)
	dir := t.TempDir()
	r := request()
	certs := t.TempDir()
	secret := []byte("a private key")
	if err := errors.Join(os.MkdirAll(filepath.Join(certs, "members", "etcd1"), 0o700), os.WriteFile(filepath.Join(certs, "members", "etcd1", "tls.key"), secret, 0o600)); err != nil {
		t.Fatal(err)
	}
	r.Keys = &backup.Keys{Dir: certs, Passphrase: "correct horse"}
	var done, total int64
	r.Progress = func(d, all int64) { done, total = d, all }
	path, err := r.Destination(dir)
	if err != nil {
		t.Fatal(err)
	}
	made, err := backup.Take(t.Context(), c.client, path, r)
	if err != nil {
		t.Fatal(err)
	}
	wantOnly(t, dir, "orders-20261128T120000Z.tar.zst")
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("the archive's mode is %v, %v", info.Mode(), err)
	}
	v, err := c.client.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if leader, _ := v.Leader(); leader.Name == made.From {
		t.Error("the leader gave its data, and followers were there")
	}
	if made.Revision < revision || made.Size != total || done != total || len(made.Members) != 3 || made.ClusterVersion == "" || made.ClusterID == "" {
		t.Errorf("it says %+v, with progress %d of %d", made, done, total)
	}
	all, err := backup.List(t.Context(), storeAt(t, dir))
	if err != nil || len(all) != 1 || all[0].Err != nil {
		t.Fatalf("the list is %+v, %v", all, err)
	}
	if diff := cmp.Diff(made, all[0].Metadata); diff != "" {
		t.Errorf("what was made is listed otherwise (-made +listed):\n%s", diff)
	}
	scratch := t.TempDir()
	report, err := backup.Verify(t.Context(), path, scratch, backup.Secret{})
	if err != nil || report.Revisions < 300 {
		t.Errorf("verified: %+v, %v", report, err)
	}
	wantOnly(t, scratch)
	keysOpen(t, path, secret)
	if second, err := r.Destination(dir); err != nil || filepath.Base(second) != "orders-20261128T120000Z-2.tar.zst" {
		t.Errorf("the second within a second goes to %s, %v", second, err)
	}
	if place, _, err := backup.TakeInto(t.Context(), c.client, storeAt(t, dir), r); err != nil || filepath.Base(place) != "orders-20261128T120000Z-2.tar.zst" {
		t.Errorf("the second within a second is %s, %v", place, err)
	}
	if _, err := r.Destination(path); !errors.Is(err, backup.ErrExists) {
		t.Errorf("it could be made again in its place: %v", err)
	}
}

func keysOpen(t *testing.T, path string, secret []byte) {
	t.Helper()
	if text, err := os.ReadFile(path); err != nil || bytes.Contains(text, secret) {
		t.Errorf("the archive shows the key: %v", err)
	}
	u, err := backup.Unpack(t.Context(), path, t.TempDir(), backup.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	if string(u.Authorities["client-ca"]) != "a certificate\n" {
		t.Errorf("the authorities are %q", u.Authorities)
	}
	to := filepath.Join(t.TempDir(), "certs")
	if err := backup.OpenKeys(t.Context(), u, "wrong horse", to); !errors.Is(err, backup.ErrPassphrase) {
		t.Errorf("another passphrase gives %v", err)
	}
	if err := backup.OpenKeys(t.Context(), u, "correct horse", to); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(to, "members", "etcd1", "tls.key"))
	if err != nil || !bytes.Equal(got, secret) {
		t.Errorf("the key comes back as %q, %v", got, err)
	}
}

// A folder that is not there is no name for a file.
func TestABackupIsNotPutInPlaceOfAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for path, missing := range map[string]string{
		"backups":              "backups",
		"backups.d/":           "backups.d",
		"backups/kept.tar.zst": "backups",
		"kept.tar.zst":         "",
		"kept.etcdctr":         "",
	} {
		path = dir + string(filepath.Separator) + filepath.FromSlash(path)
		got, err := request().Destination(path)
		var no *backup.NoFolderError
		switch {
		case missing == "" && (err != nil || got != path):
			t.Errorf("%s goes to %s, %v", path, got, err)
		case missing != "" && (!errors.As(err, &no) || no.Dir != filepath.Join(dir, missing)):
			t.Errorf("%s goes to %s, %v", path, got, err)
		}
	}
}

// A member that goes away in the middle leaves nothing.
func TestABackupIsThereWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	c := start(t, []string{"etcd1"})
	write(t, c.raw(t), 400, 20_000)
	dir := t.TempDir()
	r := request()
	ctx, cancel := context.WithCancel(t.Context())
	r.Progress = func(int64, int64) { cancel() }
	_, err := backup.Take(ctx, c.client, filepath.Join(dir, "x.tar.zst"), r)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a backup that was cut off gives %v", err)
	}
	wantOnly(t, dir)
}

func TestWhatIsWrongWithAnArchiveIsFound(t *testing.T) {
	t.Parallel()
	c := start(t, []string{"etcd1"})
	write(t, c.raw(t), 100, 100)
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole.tar.zst")
	if _, err := backup.Take(t.Context(), c.client, whole, request()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(text)
	flipped[len(text)/2] ^= 1
	tests := map[string]struct {
		text []byte
		want error
	}{
		"cut off":      {text[:len(text)-1], backup.ErrIncomplete},
		"half":         {text[:len(text)/2], backup.ErrIncomplete},
		"one bit":      {flipped, backup.ErrDamaged},
		"another file": {[]byte(strings.Repeat("no backup at all ", 10)), backup.ErrNoArchive},
		"empty":        {nil, backup.ErrNoArchive},
		"only an end":  {text[len(text)-24:], backup.ErrNoArchive},
		// What a snapshot of etcd 3.7.3 on s390x begins with.
		"big-endian": {[]byte("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\xed\x0c\xda\xed\x00\x00\x00\x02"), backup.ErrByteOrder},
	}
	for name, test := range tests {
		path := filepath.Join(dir, "bad")
		if err := os.WriteFile(path, test.text, 0o600); err != nil {
			t.Fatal(err)
		}
		scratch := t.TempDir()
		if _, err := backup.Verify(t.Context(), path, scratch, backup.Secret{}); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		wantOnly(t, scratch)
	}
	usualTools(t, whole)
}

// `etcdutl hashkv` writes into the snapshot that it takes the hash of, which leaves the
// checksum at its end wrong: whoever did that is told what it was.
func TestASnapshotThatWasWrittenToSaysByWhat(t *testing.T) {
	t.Parallel()
	c := start(t, []string{"etcd1"})
	from, err := c.raw(t).Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "snapshot.db")
	for _, written := range []bool{false, true} {
		if written {
			snapshot[len(snapshot)/2] ^= 1
		}
		if err := os.WriteFile(path, snapshot, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := backup.Verify(t.Context(), path, t.TempDir(), backup.Secret{})
		if errors.Is(err, backup.ErrDamaged) != written || written != (err != nil && strings.Contains(err.Error(), "etcdutl hashkv")) {
			t.Errorf("written to: %t: %v", written, err)
		}
	}
}

// usualTools reads an archive without this package, where they are there.
func usualTools(t *testing.T, archive string) {
	t.Helper()
	if _, err := exec.LookPath("zstd"); err != nil {
		t.Log("there is no zstd to try it with")
		return
	}
	out, err := exec.Command("tar", "--zstd", "-tf", archive).CombinedOutput()
	if want := "etcdctr.yaml\nauthorities/client-ca.crt\nsnapshot.db\nmetadata.json\n"; err != nil || string(out) != want {
		t.Errorf("tar lists %q, %v", out, err)
	}
}

// An archive that is not compressed is one of zstd's all the same.
func TestAStoredArchiveIsReadAsAnyOther(t *testing.T) {
	t.Parallel()
	c := start(t, []string{"etcd1"})
	write(t, c.raw(t), 300, 10_000)
	r := request()
	path := filepath.Join(t.TempDir(), "stored.tar.zst")
	r.Stored = true
	made, err := backup.Take(t.Context(), c.client, path, r)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() < made.Size {
		t.Errorf("the archive of %d bytes has %v, %v", made.Size, info.Size(), err)
	}
	if report, err := backup.Verify(t.Context(), path, t.TempDir(), backup.Secret{}); err != nil || report.Metadata.Revision != made.Revision {
		t.Errorf("%+v, %v", report, err)
	}
	usualTools(t, path)
}

func TestABareSnapshotIsTakenToo(t *testing.T) {
	t.Parallel()
	c := start(t, []string{"etcd1"})
	revision := write(t, c.raw(t), 10, 100)
	path := filepath.Join(t.TempDir(), "snapshot.db")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.client.Snapshot(t.Context(), "etcd1", f, nil)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	report, err := backup.Verify(t.Context(), path, t.TempDir(), backup.Secret{})
	if err != nil || report.Metadata.Revision != revision || report.Metadata.Version != 0 {
		t.Errorf("%+v, %v", report, err)
	}
}
