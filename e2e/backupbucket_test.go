//go:build e2e

package e2e

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

// Backups and what happens between them are kept in a bucket of a service that
// speaks S3, and come back from there.
func TestBackupsAreKeptInABucket(t *testing.T) {
	startS3(t, "backups")
	l := newLocal(t)
	writeFile(t, filepath.Join(l.dir, "etcdctr.yaml"), `runtime: process
members: 1
tls: none
backup: {destination: "s3://backups/orders", every: 1h, continuous: true, service: false, keep: {last: 3}}
`)
	const place = "s3://backups/orders"
	l.etcdctr("up", "--detach")
	l.etcdctr("etcdctl", "put", "greeting", "hello")
	if out := l.says("backup", "run", "--once"); !strings.Contains(out, place+"/etcd-") {
		t.Errorf("it says %q", out)
	}
	if out := l.says("backup", "run", "--once"); !strings.Contains(out, "none is due") {
		t.Errorf("it says %q", out)
	}
	follow := l.command(etcdctrBinary(t), "backup", "run")
	var said strings.Builder
	follow.Stdout, follow.Stderr = &said, &said
	if err := follow.Start(); err != nil {
		t.Fatal(err)
	}
	stop := func() {
		_ = follow.Process.Signal(os.Interrupt)
		_ = follow.Wait() // interrupted is what it is to be
	}
	l.etcdctr("etcdctl", "put", "greeting", "good bye")
	l.etcdctr("etcdctl", "put", "greeting", "never mind")
	eventually(t, "the changes to be kept", func() error { _, err := l.try("backup", "list", place); return err })
	eventually(t, "the last change to be known", func() error {
		_, err := l.try("restore", place, "--revision", "4", "--name", "other", "--yes", "--members", "1")
		return err
	})
	stop()
	defer l.try("down", "--name", "other", "--volumes", "--yes", "--no-backup")
	if out := l.etcdctr("etcdctl", "--name", "other", "get", "greeting"); !strings.Contains(out, "never mind") {
		t.Errorf("restored: %q after %s", out, &said)
	}
	l.etcdctr("restore", place, "--revision", "3", "--yes")
	if out := l.etcdctr("etcdctl", "get", "greeting"); !strings.Contains(out, "good bye") {
		t.Errorf("restored: %q", out)
	}
	file := regexp.MustCompile(regexp.QuoteMeta(place) + `/\S+\.tar\.zst`).FindString(l.etcdctr("backup", "list", place))
	if out := l.says("backup", "verify", file); !strings.Contains(out, "can be restored: revision 2") {
		t.Errorf("verified: %q", out)
	}
	if out := l.says("backup", "prune", place, "--keep-last", "1"); !strings.Contains(out, "0 backups deleted, 1 kept") {
		t.Errorf("pruned: %q", out)
	}
	if out := l.says("backup", "--output", place); !strings.Contains(out, place+"/etcd-") {
		t.Errorf("it says %q", out)
	}
	if out := l.etcdctr("backup", "list", place); strings.Count(out, ".tar.zst") != 2 {
		t.Errorf("it has\n%s", out)
	}
	for what, args := range map[string][]string{
		"a bucket that is not there": {"backup", "list", "s3://nowhere/orders"},
		"a file that is not there":   {"backup", "verify", place + "/none.tar.zst"},
	} {
		if _, err := l.try(args...); err == nil || !strings.Contains(err.Error(), args[len(args)-1]+": file does not exist") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// says gives all that a command that succeeds writes.
func (l *local) says(args ...string) string {
	l.t.Helper()
	out, err := l.command(etcdctrBinary(l.t), args...).CombinedOutput()
	if err != nil {
		l.t.Fatalf("etcdctr %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// startS3 starts a service with a bucket, and has this process' programs use it.
func startS3(t *testing.T, bucket string) {
	t.Helper()
	address := etcdtest.FreeAddress(t, "127.0.0.1")
	program, err := exec.LookPath("gofakes3")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program, "-host", address, "-backend", "memory", "-initialbucket", bucket, "-quiet")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
	})
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": "http://" + address, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1",
	} {
		t.Setenv(name, value)
	}
	eventually(t, "the service to listen", func() error {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err == nil {
			conn.Close()
		}
		return err
	})
}
