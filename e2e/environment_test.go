//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// What the suite works with, as the Makefile hands it in.
const (
	envEtcdctr = "ETCDCTR_E2E_ETCDCTR" // the etcdctr under test
	envEtcd    = "ETCDCTR_E2E_BIN"     // a folder MINOR/{etcd,etcdctl,etcdutl} for each supported minor of etcd
	envEngine  = "ETCDCTR_E2E_ENGINE"  // a folder with dockerd and its helpers, as released today
	envSystemd = "ETCDCTR_E2E_SYSTEMD" // an archive of a root file system with systemd in it
	envRelease = "ETCDCTR_E2E_RELEASE" // a folder with a release for this machine
)

// etcdctrBinary returns the path of the etcdctr under test.
func etcdctrBinary(t *testing.T) string {
	t.Helper()
	return handedIn(t, envEtcdctr)
}

// etcdBinary returns the path of etcd, etcdctl or etcdutl as released for a
// minor of etcd 3.
func etcdBinary(t *testing.T, minor int, program string) string {
	t.Helper()
	return filepath.Join(handedIn(t, envEtcd), fmt.Sprintf("3.%d", minor), program)
}

func handedIn(t *testing.T, variable string) string {
	t.Helper()
	value := os.Getenv(variable)
	if value == "" {
		t.Fatalf("%s is not set: run the suite with `make smoke` or `make e2e`", variable)
	}
	return value
}

func TestSmokeEnvironmentHoldsEtcdctrAndTheNewestEtcd(t *testing.T) {
	wantOutput(t, "etcdctr ", etcdctrBinary(t), "version")
	holdsEtcd(t, cluster.NewestMinor)
}

func TestEnvironmentHoldsEverySupportedEtcd(t *testing.T) { holdsEtcd(t, olderMinors()...) }

func holdsEtcd(t *testing.T, minors ...int) {
	t.Helper()
	for _, minor := range minors {
		release := cluster.KnownPatches[minor]
		number := strings.TrimPrefix(release.String(), "v")
		wantOutput(t, "etcd Version: "+number+"\n", etcdBinary(t, minor, "etcd"), "--version")
		wantOutput(t, "etcdctl version: "+number+"\n", etcdBinary(t, minor, "etcdctl"), "version")
		wantOutput(t, "etcdutl version: "+number+"\n", etcdBinary(t, minor, "etcdutl"), "version")
	}
}

func TestSmokeEnvironmentHoldsDockerAndCompose(t *testing.T) {
	wantOutput(t, "Server", "docker", "version")
	wantOutput(t, "Docker Compose version v5.", "docker-compose", "version")
}

// wantOutput runs a program and wants it to exit 0 and its output to hold part.
func wantOutput(t *testing.T, part, program string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), part) {
		t.Errorf("%s %s: %v, output does not hold %q:\n%s", program, strings.Join(args, " "), err, part, out)
	}
}
