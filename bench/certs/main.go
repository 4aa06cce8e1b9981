// Command certs compares one `etcdctr certs create` with the script that makes
// the same PKI by cfssl: two authorities with their revocation lists, a server and
// a peer certificate for each of three members and one for a client, all with
// P-256 keys.
//
// See bench/README.md for what it is given and how it is read.
package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/etcdctr/etcdctr/bench/measure"
)

// rounds is how often each is measured; odd, so that there is a median.
const rounds = 15

func main() { measure.Main("certs", run) }

func run(ctx context.Context, rows *measure.Rows) error {
	etcdctr := os.Getenv("BENCH_BIN")
	if etcdctr == "" {
		return errors.New("BENCH_BIN is not set: run `make bench-certs`")
	}
	for _, tool := range []string{"cfssl", "cfssljson"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("the rival is not there: %w: run `make bench-certs`", err)
		}
	}
	for _, place := range places() {
		ours, theirs, err := compare(ctx, etcdctr, place)
		if err != nil {
			return err
		}
		rows.Add(measure.Seconds(place.name, "cfssl", ours, theirs).Want(place.wanted))
	}
	return nil
}

// place is where the files are made. On a disk etcdctr sees to it that they
// survive a power cut, and so the script has to as well; in memory the programs
// are compared without the disk.
type place struct {
	name   string
	dir    string // empty: the system's folder for temporary files
	last   string // the script's last line
	wanted float64
}

func places() []place {
	list := []place{{name: "PKI of three members, on disk", last: "sync -- *.pem *.der .\n", wanted: 0.15}}
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err == nil && info.IsDir() {
		return append([]place{{name: "PKI of three members, in memory", dir: memory, wanted: 0.1}}, list...)
	}
	fmt.Fprintf(os.Stderr, "bench/certs: there is no %s: measured on disk only\n", memory)
	return list
}

// compare measures both alternately and returns the medians. What was made stays
// until both are done: ext4 without a journal looks for the place of a file past
// each that was deleted in the last minutes.
func compare(ctx context.Context, etcdctr string, at place) (ours, theirs time.Duration, err error) {
	parent, err := os.MkdirTemp(at.dir, "etcdctr-bench-certs-")
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(parent)) }()
	files := maps.Clone(cfsslFiles)
	files["make.sh"] += at.last
	return measure.Medians(ctx, rounds,
		func(ctx context.Context) (time.Duration, error) {
			return timed(ctx, parent, nil, etcdctr, "certs", "create", "--name", "bench")
		},
		func(ctx context.Context) (time.Duration, error) {
			return timed(ctx, parent, files, "sh", "-eu", "make.sh")
		})
}

// timed runs one command in a folder of its own, which holds the given files
// and afterwards must hold the whole PKI.
func timed(ctx context.Context, parent string, files map[string]string, name string, args ...string) (time.Duration, error) {
	dir, err := os.MkdirTemp(parent, "")
	if err != nil {
		return 0, err
	}
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			return 0, err
		}
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	start := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(start)
	if err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return took, checkWork(dir, cmd)
}

// checkWork makes sure that both have done the same work: nine keys, and a
// revocation list of each authority.
func checkWork(dir string, cmd *exec.Cmd) error {
	const keys, lists = 2 + 3*2 + 1, 2
	for _, work := range []struct {
		patterns []string
		want     int
	}{
		{[]string{"*-key.pem", "certs/ca/*/tls.key", "certs/members/*/*/tls.key", "certs/clients/*/client/tls.key"}, keys},
		{[]string{"*.der", "certs/ca/*/crl.der"}, lists},
	} {
		n := 0
		for _, pattern := range work.patterns {
			found, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil {
				return err
			}
			n += len(found)
		}
		if n != work.want {
			return fmt.Errorf("%s made %d of %q instead of %d", cmd, n, work.patterns, work.want)
		}
	}
	return nil
}

// cfsslFiles is the PKI as etcd's how-tos make it, with a second authority.
var cfsslFiles = map[string]string{
	"make.sh": `
cfssl gencert -initca ca-csr.json | cfssljson -bare client-ca
cfssl gencert -initca ca-csr.json | cfssljson -bare peer-ca
sign() { # AUTHORITY PROFILE NAME HOSTS
	sed "s/NAME/$3/" csr.json >"$3-$2.json"
	cfssl gencert -ca="$1.pem" -ca-key="$1-key.pem" -config=ca-config.json \
		-profile="$2" -hostname="$4" "$3-$2.json" | cfssljson -bare "$3-$2"
}
for member in etcd1 etcd2 etcd3; do
	hosts="$member,bench-$member-1,localhost,127.0.0.1,::1"
	sign client-ca server "$member" "$hosts"
	sign peer-ca peer "$member" "$hosts"
done
sign client-ca client root ""
: >revoked.txt
for ca in client-ca peer-ca; do
	cfssl gencrl revoked.txt "$ca.pem" "$ca-key.pem" | base64 -d >"$ca.der"
done
`,
	"ca-csr.json": `{"CN": "etcd CA", "key": {"algo": "ecdsa", "size": 256}, "ca": {"expiry": "87600h"}}`,
	"csr.json":    `{"CN": "NAME", "key": {"algo": "ecdsa", "size": 256}, "names": [{"O": "bench"}]}`,
	"ca-config.json": `{"signing": {"default": {"expiry": "8760h"}, "profiles": {
		"server": {"expiry": "8760h", "usages": ["signing", "server auth", "client auth"]},
		"peer":   {"expiry": "8760h", "usages": ["signing", "server auth", "client auth"]},
		"client": {"expiry": "8760h", "usages": ["signing", "client auth"]}}}}`,
}
