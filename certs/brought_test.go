package certs_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/certs"
)

// TestWhatSomebodyBroughtSurvivesEveryCommand mixes what people do with a folder
// of certificates and what this package does, at random, and looks after each
// step whether every key and every list that was brought is there still, and
// whether Verify agrees once Ensure is content.
func TestWhatSomebodyBroughtSurvivesEveryCommand(t *testing.T) {
	const runs, steps = 10, 12
	for seed := range uint64(runs) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			u := newOwner(t, seed)
			for range steps {
				u.act()
				u.operate()
				u.wantEverythingBrought()
			}
		})
	}
}

// owner is somebody who brings files of their own into a PKI.
type owner struct {
	*testPKI
	company *testPKI
	rand    *rand.Rand
	brought map[[sha256.Size]byte]string // the sums of files, and where they were put
	log     []string
}

func newOwner(t *testing.T, seed uint64) *owner {
	t.Helper()
	u := &owner{testPKI: newPKI(t), company: newPKI(t), rand: rand.New(rand.NewPCG(seed, 7)), brought: map[[sha256.Size]byte]string{}}
	u.company.ensure(orders())
	u.company.report(u.company.Revoke(t.Context(), certs.RevokeOptions{Names: []string{"clients/root", "members/etcd2/peer"}}))
	u.company.ensure(orders())
	u.ensure(orders())
	return u
}

func (u *owner) pick(list ...string) string { return list[u.rand.IntN(len(list))] }

func (u *owner) identity() string {
	return u.pick("members/etcd1/server", "members/etcd1/peer", "members/etcd2/server", "members/etcd2/peer", "clients/root")
}

// put copies a file of the company's to the same place.
func (u *owner) put(file string) { u.give(file, u.company.read(file)) }

// give writes a file that has to be kept from then on, instead of the one that
// was there, which its owner does without.
func (u *owner) give(file string, data []byte) {
	if old, err := os.ReadFile(filepath.Join(u.Dir, file)); err == nil {
		delete(u.brought, sha256.Sum256(old))
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Join(u.Dir, file)), 0o700); err != nil {
		u.t.Fatal(err)
	}
	u.write(file, data)
	u.brought[sha256.Sum256(data)] = file
	u.log = append(u.log, "brought "+file)
}

// lose removes something that is this package's own, or keeps it elsewhere.
func (u *owner) lose(name string) {
	for _, file := range u.brought {
		if file == name || strings.HasPrefix(file, name+"/") {
			return
		}
	}
	u.remove(name)
	u.log = append(u.log, "lost "+name)
}

// act is what people do.
func (u *owner) act() {
	switch id := u.identity(); u.rand.IntN(9) {
	case 0:
		u.put(id + "/tls.key")
	case 1, 2:
		for _, file := range []string{"/tls.key", "/tls.crt", "/ca.crt"} {
			u.put(id + file)
		}
	case 3:
		u.put(strings.Replace(id, "clients/root", "members/etcd1/peer", 1) + "/crl.der")
	case 4:
		u.give(id+"/tls.key", []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"+u.pick("1", "2", "3")))
	case 5:
		u.lose(u.pick("ca/client/tls.key", "ca/peer/tls.key", "ca/client/crl.der", "ca/peer/crl.der", "ca/client", "ca/peer"))
	case 6:
		u.lose(id + u.pick("", "/tls.key", "/tls.crt", "/ca.crt", "/crl.der"))
	case 7:
		for _, file := range []string{"/tls.crt", "/tls.key", "/crl.der"} {
			u.put(u.pick("ca/client", "ca/peer") + file)
		}
	case 8:
		u.give(id+"/"+u.pick("keystore.jks", "note"), []byte(id))
	}
}

// operate is what this package does; it may well refuse.
func (u *owner) operate() {
	ctx, plan := u.t.Context(), orders()
	var err error
	switch n := u.rand.IntN(9); n {
	case 0, 1, 2:
		plan.Members[0].Hosts = []string{u.pick("10.0.0.1", "10.0.0.2", "db.example.com")}
		if _, err = u.Ensure(ctx, plan); err == nil {
			u.wantAgreement(plan)
		}
	case 3:
		_, err = u.Renew(ctx, certs.RenewOptions{})
	case 4:
		_, err = u.Renew(ctx, certs.RenewOptions{Names: []string{u.identity()}, Key: certs.Ed25519})
	case 5:
		_, err = u.Revoke(ctx, certs.RevokeOptions{Names: []string{u.identity()}})
	case 6:
		_, err = u.Issue(ctx, certs.IssueOptions{Name: u.pick("root", "alice"), Profile: certs.Client})
	case 7:
		_, err = u.RotateCA(ctx, certs.RotateOptions{Stage: certs.Stages()[u.rand.IntN(3)]})
	case 8:
		u.now = u.now.Add(200 * day)
	}
	u.log = append(u.log, fmt.Sprintf("operated: %v", err))
}

// wantAgreement looks whether Verify finds an error that Ensure has not.
func (u *owner) wantAgreement(plan certs.Plan) {
	u.t.Helper()
	for _, problem := range u.problems(certs.VerifyOptions{Plan: &plan}) {
		revoked := strings.Contains(problem, "clients/alice")
		if strings.HasPrefix(problem, "error") && !revoked {
			u.t.Errorf("Ensure is content, and Verify is not: %s\n%s", problem, strings.Join(u.log, "\n"))
		}
	}
}

// namesAsMuch reports whether a list still names what it named when it was
// brought: it may have been signed anew once its authority was brought too.
func (u *owner) namesAsMuch(file string) bool {
	have := u.revoked(file)
	return !slices.ContainsFunc(u.company.revoked(file), func(serial string) bool { return !slices.Contains(have, serial) })
}

func (u *owner) wantEverythingBrought() {
	u.t.Helper()
	there := map[[sha256.Size]byte]bool{}
	err := filepath.WalkDir(u.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		there[sha256.Sum256(data)] = true
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		u.t.Fatal(err)
	}
	for sum, file := range u.brought {
		switch {
		case there[sum], strings.HasSuffix(file, ".crt"): // what is trusted may get longer
		case strings.HasSuffix(file, ".der") && u.namesAsMuch(file):
		default:
			u.t.Fatalf("%s is gone:\n%s", file, strings.Join(u.log, "\n"))
		}
	}
}
