package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

func TestComposeNamesTheMemberWhosePortIsTaken(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	t.Chdir(t.TempDir())
	spec := fmt.Sprintf("publish: loopback\ntls: none\nmembers: [etcd1, {name: etcd2, client-port: %d}, etcd3]\n", port)
	if err := os.WriteFile("etcdctr.yaml", []byte(spec), 0o644); err != nil {
		t.Fatal(err)
	}

	a, stdout, stderr := testApp()
	if code := run(a, []string{"compose"}); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	want := fmt.Sprintf("127.0.0.1:%d, the port of etcd2, is in use", port)
	if !strings.Contains(stderr.String(), want) {
		t.Errorf("%q is not in %q", want, stderr)
	}
	if !strings.HasPrefix(stdout.String(), "# etcd v") {
		t.Errorf("the file is not printed: %q", stdout)
	}
}

func testApp() (a *app, stdout, stderr *bytes.Buffer) {
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	a = newApp()
	a.In, a.Out, a.Voice.Out = strings.NewReader(""), stdout, stderr
	return a, stdout, stderr
}
