//go:build unix

package backup_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/member"
)

// keyPair gives a public key, and what opens what is encrypted for it.
func keyPair(t *testing.T) (string, backup.Secret) {
	t.Helper()
	i, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return i.Recipient().String(), backup.Secret{Identities: "# a comment\n" + i.String() + "\n"}
}

// showsNothing wants no file of a folder to have a text in it.
func showsNothing(t *testing.T, dir string, texts ...string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		for _, text := range texts {
			if err != nil || bytes.Contains(data, []byte(text)) {
				t.Errorf("%s shows %q: %v", file, text, err)
			}
		}
	}
}

func TestAnEncryptedBackupIsListedByAllAndOpenedByOne(t *testing.T) {
	t.Parallel()
	c := start(t, []string{"etcd1"})
	write(t, c.raw(t), 300, 1000)
	to, secret := keyPair(t)
	_, other := keyPair(t)
	for name, test := range map[string]struct {
		seal       backup.Seal
		opens, not backup.Secret
	}{
		"for a key":       {backup.Seal{Recipients: []string{to}}, secret, other},
		"by a passphrase": {backup.Seal{Passphrase: "correct horse"}, backup.Secret{Passphrase: "correct horse"}, backup.Secret{Passphrase: "wrong horse"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r := request()
			r.Seal, r.Stored = &test.seal, true
			path, err := r.Destination(dir)
			if err != nil {
				t.Fatal(err)
			}
			made, err := backup.Take(t.Context(), c.client, path, r)
			if err != nil {
				t.Fatal(err)
			}
			wantOnly(t, dir, "orders-20261128T120000Z.tar.zst")
			showsNothing(t, dir, "name: orders", "a certificate", "etcd1=", "127.0.0.1")
			all, err := backup.List(t.Context(), storeAt(t, dir))
			if err != nil || len(all) != 1 || all[0].Err != nil {
				t.Fatalf("the list is %+v, %v", all, err)
			}
			if m := all[0].Metadata; !m.Encrypted || m.Revision != made.Revision || m.ClusterID != made.ClusterID || len(m.Members) > 0 {
				t.Errorf("it is listed as %+v", m)
			}
			opensWith(t, path, made, test.opens, test.not)
		})
	}
}

// opensWith wants an archive to be unpacked as it was made by one secret only.
func opensWith(t *testing.T, path string, made backup.Metadata, opens, not backup.Secret) {
	t.Helper()
	for want, secret := range map[error]backup.Secret{backup.ErrSealed: {}, backup.ErrSecret: not} {
		if _, err := backup.Verify(t.Context(), path, t.TempDir(), secret); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	if _, err := backup.Verify(t.Context(), path, t.TempDir(), opens); err != nil {
		t.Error(err)
	}
	u, err := backup.Unpack(t.Context(), path, t.TempDir(), opens)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made, u.Metadata); diff != "" || string(u.Authorities["client-ca"]) != "a certificate\n" {
		t.Errorf("what was made is unpacked otherwise, with %q (-made +unpacked):\n%s", u.Authorities, diff)
	}
}

func TestAnEncryptedBackupThatWasCutOrChangedIsDamaged(t *testing.T) {
	t.Parallel()
	c := start(t, []string{"etcd1"})
	write(t, c.raw(t), 100, 1000)
	to, secret := keyPair(t)
	path := filepath.Join(t.TempDir(), "b.tar.zst")
	r := request()
	r.Seal = &backup.Seal{Recipients: []string{to}}
	if _, err := backup.Take(t.Context(), c.client, path, r); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(whole)
	changed[len(changed)/2] ^= 1
	for want, data := range map[error][]byte{backup.ErrIncomplete: whole[:len(whole)/2], backup.ErrDamaged: changed} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Verify(t.Context(), path, t.TempDir(), secret); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

func TestWhatNobodyCouldOpenIsNotTaken(t *testing.T) {
	t.Parallel()
	c := start(t, []string{"etcd1"})
	to, _ := keyPair(t)
	quantum, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for _, seal := range []backup.Seal{
		{Recipients: []string{"age1nobody"}}, {Recipients: []string{to}, Passphrase: "both"}, {Recipients: []string{to, quantum.Recipient().String()}},
	} {
		dir := t.TempDir()
		r := request()
		r.Seal = &seal
		if _, err := backup.Take(t.Context(), c.client, filepath.Join(dir, "b.tar.zst"), r); !errors.Is(err, backup.ErrSeal) {
			t.Errorf("%+v: %v", seal, err)
		}
		wantOnly(t, dir)
	}
}

func TestMomentsComeBackOfWhatIsEncrypted(t *testing.T) {
	t.Parallel()
	c := start(t, []string{"a"})
	dir := t.TempDir()
	s := storeAt(t, dir)
	to, secret := keyPair(t)
	r := &backup.Runner{
		Store: s, Request: request(), Continuous: true, Now: time.Now,
		Next: func(last time.Time) time.Time { return last.Add(time.Hour) },
		Ask: func(context.Context) (*member.Client, func() error, error) {
			return c.client, func() error { return nil }, nil
		},
		Tell: func(what string) { t.Log(what) }, Fail: func(err error) { t.Log(err) },
	}
	r.Request.Seal = &backup.Seal{Recipients: []string{to}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	leadsTo(t, s, 1)
	history := happen(t, c.raw(t), map[string]string{}, 20)
	leadsTo(t, s, history[19].revision)
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	showsNothing(t, dir, "value of", "key/")

	m := history[10]
	source, err := backup.Find(t.Context(), backup.Unlocked(s, secret), "orders", backup.Moment{Revision: m.revision})
	if err != nil {
		t.Fatal(err)
	}
	at := processes(t)
	one := restoration(t, at, place(t, at, 1))
	one.Source = &source
	if _, err := one.Do(t.Context(), source.Backup.Path); !errors.Is(err, backup.ErrSealed) {
		t.Errorf("without a key: %v", err)
	}
	one.Secret = secret
	if _, err := one.Do(t.Context(), source.Backup.Path); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m.holds, held(t, connect(t, endpoints(t, at)...))); diff != "" {
		t.Errorf("at revision %d (-was +restored):\n%s", m.revision, diff)
	}
}
