//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/etcdflags"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

func TestSmokeSettingsAreThoseOfTheNewestPrograms(t *testing.T) {
	settingsAreThoseOf(t, cluster.NewestMinor)
}

func TestSettingsAreThoseOfTheRealPrograms(t *testing.T) { settingsAreThoseOf(t, olderMinors()...) }

// olderMinors are those that the smoke tests leave to the others: each would have
// to be built first.
func olderMinors() []int {
	return slices.DeleteFunc(supportedMinors(), func(minor int) bool { return minor == cluster.NewestMinor })
}

func supportedMinors() []int { return slices.Sorted(maps.Keys(cluster.KnownPatches)) }

// settingsAreThoseOf holds the tables of package cluster
// to each release: it knows what the table has, in the form that it has, and
// nothing that only other tables have.
func settingsAreThoseOf(t *testing.T, minors ...int) {
	t.Helper()
	for _, minor := range minors {
		release := cluster.KnownPatches[minor]
		t.Run(release.String(), func(t *testing.T) {
			t.Parallel()
			etcd := etcdBinary(t, minor, "etcd")
			var all []string
			var one errgroup.Group
			one.SetLimit(2)
			for _, name := range cluster.SettingNames() {
				k, _ := cluster.LookupSetting(name)
				o, known := k.In(minor)
				if known {
					all = append(all, "--"+name+"="+sampleOf(o))
				}
				if !known || mayBeRefused(o) {
					one.Go(func() error { return refuses(t, etcd, name, known) })
				}
			}
			if err := one.Wait(); err != nil {
				t.Error(err)
			}
			if got, err := etcdflags.Ask(t.Context(), etcd, all...); err != nil || !got.Accepted {
				t.Errorf("%v, %v: etcd does not take all of:\n%s", got, err, strings.Join(all, "\n"))
			}
		})
	}
}

// sampleOf is a value of the kind that the table has.
func sampleOf(o cluster.Option) string {
	switch o.Kind {
	case cluster.Choice:
		return o.Allowed[len(o.Allowed)-1]
	case cluster.Gates:
		return strings.Join(o.Allowed, "=false,") + "=false"
	}
	value, ok := etcdflags.Sample(string(o.Kind))
	if !ok {
		value = "?" // a list takes any word
	}
	return value
}

// mayBeRefused tells that not every value is taken.
func mayBeRefused(o cluster.Option) bool {
	return o.Standing != cluster.Ignored && o.Kind != cluster.Text && o.Kind != cluster.List
}

// refuses wants a program to take a setting for unknown, or its value for none.
func refuses(t *testing.T, etcd, name string, known bool) error {
	t.Helper()
	got, err := etcdflags.Ask(t.Context(), etcd, "--"+name+"=?")
	unknown := name
	if known {
		unknown = ""
	}
	if err == nil && (got.Accepted || got.Unknown != unknown) {
		err = fmt.Errorf("--%s=?: got %+v, in the table it is known: %t", name, got, known)
	}
	return err
}

func TestSmokeSettingsOfTheFirstStartAreIgnoredOnceThereIsData(t *testing.T) {
	settingsOfTheFirstStartAreIgnored(t, cluster.NewestMinor)
}

func TestSettingsOfTheFirstStartAreIgnoredOnceThereIsData(t *testing.T) {
	settingsOfTheFirstStartAreIgnored(t, olderMinors()...)
}

// settingsOfTheFirstStartAreIgnored starts a member
// again and again with all that it was founded by changed: what package cluster
// calls bootstrap only changes nothing, on any release.
func settingsOfTheFirstStartAreIgnored(t *testing.T, minors ...int) {
	t.Helper()
	for _, minor := range minors {
		release := cluster.KnownPatches[minor]
		t.Run(release.String(), func(t *testing.T) {
			t.Parallel()
			m := founded(t, minor)
			want, tried := m.membership(t), map[string]bool{}
			for _, change := range m.changes(t) {
				for name := range change {
					tried[name] = true
				}
				if diff := cmp.Diff(want, m.again(t, change)); diff != "" {
					t.Errorf("%v (-before +after):\n%s", change, diff)
				}
			}
			for _, name := range cluster.SettingNames() {
				k, _ := cluster.LookupSetting(name)
				if _, known := k.In(minor); known && cluster.BootstrapOnly(name) != tried[name] {
					t.Errorf("%s: bootstrap only is %t, tried %t", name, cluster.BootstrapOnly(name), tried[name])
				}
			}
		})
	}
}

// lone is a cluster of one member.
type lone struct {
	minor        int
	client, data string
	common       []string
	process      *etcdtest.Process
}

func founded(t *testing.T, minor int) *lone {
	t.Helper()
	m := &lone{minor: minor, client: "http://" + etcdtest.FreeAddress(t, "127.0.0.1"), data: t.TempDir()}
	peer := "http://" + etcdtest.FreeAddress(t, "127.0.0.1")
	m.common = []string{
		"--name=lone", "--data-dir=" + filepath.Join(m.data, "data"), "--unsafe-no-fsync",
		"--listen-client-urls=" + m.client, "--advertise-client-urls=" + m.client, "--listen-peer-urls=" + peer,
	}
	m.start(t, map[string]string{"initial-cluster": "lone=" + peer, "initial-advertise-peer-urls": peer})
	return m
}

func (m *lone) start(t *testing.T, bootstrap map[string]string) {
	t.Helper()
	flags := slices.Clone(m.common)
	for name, value := range bootstrap {
		flags = append(flags, "--"+name+"="+value)
	}
	m.process = etcdtest.StartProgram(t, etcdBinary(t, m.minor, "etcd"), nil, flags...)
}

// again stops the member and starts it with other bootstrap settings.
func (m *lone) again(t *testing.T, bootstrap map[string]string) string {
	t.Helper()
	m.process.Kill()
	m.start(t, bootstrap)
	return m.membership(t)
}

// membership is the IDs of cluster and members, and what a linearizable read
// needs: a member that serves.
func (m *lone) membership(t *testing.T) string {
	t.Helper()
	etcdctl := func(args ...string) *exec.Cmd {
		return exec.CommandContext(t.Context(), etcdBinary(t, m.minor, "etcdctl"), append([]string{"--endpoints", m.client}, args...)...)
	}
	eventually(t, "the member to serve", func() error { return etcdctl("get", "x").Run() })
	out, err := etcdctl("member", "list", "--write-out", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Header  struct{ Cluster_ID json.Number } //nolint:revive // etcd's own name
		Members []struct {
			ID       json.Number
			Name     string
			PeerURLs []string
		}
	}
	if err := json.Unmarshal(out, &list); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(list.Header.Cluster_ID, list.Members)
}

// changes are all that a member can be founded by, in groups that etcd does not
// refuse for contradicting each other. None of it is true.
func (m *lone) changes(t *testing.T) []map[string]string {
	t.Helper()
	nowhere := "http://127.0.0.1:1"
	groups := []map[string]string{
		{"initial-cluster": "other=" + nowhere, "initial-cluster-state": "existing", "initial-cluster-token": "other", "initial-advertise-peer-urls": nowhere},
		{"discovery": nowhere + "/v2/keys/none", "discovery-proxy": nowhere, "discovery-fallback": "exit"},
		{"discovery-srv": "invalid", "discovery-srv-name": "none"},
		{
			"discovery-endpoints": nowhere, "discovery-token": "none", "discovery-user": "none", "discovery-password": "none",
			"discovery-cacert": "/none", "discovery-cert": "/none", "discovery-key": "/none",
			"discovery-insecure-transport": "false", "discovery-insecure-skip-tls-verify": "true",
			"discovery-dial-timeout": "1s", "discovery-request-timeout": "1s", "discovery-keepalive-time": "1s", "discovery-keepalive-timeout": "1s",
		},
	}
	for _, group := range groups {
		maps.DeleteFunc(group, func(name, _ string) bool {
			k, _ := cluster.LookupSetting(name)
			_, known := k.In(m.minor)
			return !known
		})
	}
	return slices.DeleteFunc(groups, func(group map[string]string) bool { return len(group) == 0 })
}
