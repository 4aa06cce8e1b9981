//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/etcdctr/etcdctr/cluster"
)

// TestEverySettingIsGatedAsEtcdItselfDoes asks each release whether it knows
// each setting, and package cluster the same.
func TestEverySettingIsGatedAsEtcdItselfDoes(t *testing.T) {
	for minor, release := range cluster.KnownPatches {
		t.Run(fmt.Sprintf("3.%d", minor), func(t *testing.T) {
			var asked errgroup.Group
			asked.SetLimit(2)
			for _, name := range cluster.SettingNames() {
				asked.Go(func() error {
					known, err := etcdKnows(t, minor, name)
					refusal := refusalOf(release, name)
					switch unknown := strings.Contains(refusal, "does not know it"); {
					case err != nil:
						t.Error(err)
					case known && unknown:
						t.Errorf("etcd knows %s, and package cluster says: %s", name, refusal)
					case !known && !unknown && !strings.Contains(refusal, "can't be set here"):
						t.Errorf("etcd does not know %s, and package cluster lets it through", name)
					}
					return nil
				})
			}
			_ = asked.Wait() // each reports for itself
		})
	}
}

// etcdKnows gives etcd the setting with a value that is fine, or is refused for
// what it is: what counts is whether etcd has the flag. With --version it does
// nothing else.
func etcdKnows(t *testing.T, minor int, setting string) (bool, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), etcdBinary(t, minor, "etcd"), "--"+setting+"=1", "--version")
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return false, err
	}
	return !strings.Contains(string(out), "flag provided but not defined"), nil
}

// refusalOf is what package cluster says of the setting, with a value that
// none takes, for a cluster of that release.
func refusalOf(release cluster.Version, setting string) string {
	spec := cluster.Spec{Etcd: release.String(), Settings: map[string]string{setting: "\x00"}}
	_, err := cluster.Resolve(spec, cluster.InContainers)
	return fmt.Sprint(err)
}
