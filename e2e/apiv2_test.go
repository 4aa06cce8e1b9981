//go:build e2e && linux

package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

// A member of 3.5 that does not serve the API v2 any more has what was written by it, and
// 3.6 ends on that. It is found before anything is touched, the same by us and by etcd's own
// check, and what the refusal says leads to 3.6.
func TestWhatTheAPIV2HasWrittenStopsNoUpgradeHalfWay(t *testing.T) {
	dir, port := t.TempDir(), freePorts(t, 1)[0]
	describe := func(more string) {
		writeFile(t, filepath.Join(dir, "etcdctr.yaml"), fmt.Sprintf(
			"name: v2\nruntime: process\ntls: none\netcd: \"3.5\"\netcd-binary: %s\nmembers: [{name: etcd1, client-port: %d}]\n%s",
			filepath.Join(os.Getenv(envEtcd), "{minor}", "etcd"), port, more))
	}
	run := func(args ...string) (string, error) {
		return output(exec.Command(etcdctrBinary(t), args...), dir)
	}
	well := func(args ...string) {
		t.Helper()
		if out, err := run(args...); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	t.Cleanup(func() { well("down", "--volumes", "--yes") })
	serving, silent := "settings: {enable-v2: \"true\"}\n", ""
	ask := func(method string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, fmt.Sprintf("http://127.0.0.1:%d/v2/keys/a", port), strings.NewReader(url.Values{"value": {"1"}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode >= http.StatusBadRequest {
			t.Fatalf("%s: %s", method, answer.Status)
		}
	}
	refused := func() {
		t.Helper()
		for _, args := range [][]string{{"up", "--etcd", "3.6", "--dry-run"}, {"up", "-d", "--etcd", "3.6"}} {
			if _, err := run(args...); err == nil || !strings.Contains(err.Error(), "etcd1: its data holds what was written by the API v2, and etcd 3.6 does not start on that") {
				t.Fatalf("%v: %v", args, err)
			}
		}
	}

	describe(serving)
	well("up", "-d")
	ask(http.MethodPut)
	describe(silent)
	well("up", "-d")
	refused() // while it runs
	well("etcdctl", "put", "key", "it serves still")
	well("stop")
	refused()
	data := filepath.Join(dir, ".etcdctr", "v2", "etcd1", "data")
	wantV2(t, data, true)

	// What it says helps.
	describe(serving)
	well("up", "-d")
	ask(http.MethodDelete)
	describe("snapshot-count: 5\n")
	well("up", "-d")
	for i := range 30 {
		well("etcdctl", "put", "key", fmt.Sprint(i))
	}
	well("stop")
	wantV2(t, data, false)
	describe(silent)
	well("up", "-d", "--etcd", "3.6")
	if got, err := run("etcdctl", "get", "key", "--print-value-only"); err != nil || got != "29\n" {
		t.Errorf("after the upgrade the value is %q, %v", got, err)
	}
}

// A folder of data that holds it is adopted with the release that it is of, and not copied.
func TestAFolderWithWhatTheAPIV2HasWrittenIsNotCopied(t *testing.T) {
	dir := t.TempDir()
	data, client, peer := filepath.Join(dir, "theirs"), "http://"+etcdtest.FreeAddress(t, "127.0.0.1"), "http://"+etcdtest.FreeAddress(t, "127.0.0.1")
	start := func(more ...string) *etcdtest.Process {
		return etcdtest.StartProgram(t, etcdBinary(t, 5, "etcd"), nil, append([]string{
			"--name=theirs", "--data-dir=" + data,
			"--listen-client-urls=" + client, "--advertise-client-urls=" + client, "--listen-peer-urls=" + peer,
			"--initial-advertise-peer-urls=" + peer, "--initial-cluster=theirs=" + peer,
		}, more...)...)
	}
	for _, more := range [][]string{{"--enable-v2"}, nil} {
		p := start(more...)
		put := exec.Command(etcdBinary(t, 5, "etcdctl"), "--endpoints="+client, "put", "key", "value")
		if _, err := output(put, dir); err != nil {
			t.Fatal(err)
		}
		if more != nil {
			answer, err := http.PostForm(client+"/v2/keys/queue", url.Values{"value": {"1"}})
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
		}
		p.Stop()
	}
	wantV2(t, data, true)
	_, err := output(exec.Command(etcdctrBinary(t), "adopt", "--yes", "--name", "copied", "--tls", "mutual", "--their-etcd", etcdBinary(t, 5, "etcd"), data), dir)
	if err == nil || !strings.Contains(err.Error(), "theirs: it has keys of the API v2 (enable-v2), which are in no backup, and would not be there then") {
		t.Errorf("it is copied: %v", err)
	}
	wantV2(t, data, true)
	if _, err := os.Stat(filepath.Join(data, "adopted-by-etcdctr")); err == nil {
		t.Error("it was touched")
	}
}

// wantV2 asks both us and etcd's own check of 3.5 about a folder.
func wantV2(t *testing.T, data string, want bool) {
	t.Helper()
	if got, err := backup.HoldsV2(data, ""); err != nil || got != want {
		t.Errorf("it holds what the API v2 has written: %t, %v, want %t", got, err, want)
	}
	out, err := exec.Command(etcdBinary(t, 5, "etcdutl"), "check", "v2store", "--data-dir", data).CombinedOutput()
	if (err != nil) != want {
		t.Errorf("etcdutl %s says %v: %s", cluster.KnownPatches[5], err, out)
	}
}
