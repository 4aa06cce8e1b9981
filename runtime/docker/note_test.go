package docker

import (
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/stack"
)

// Whoever takes the containers away, the volumes tell where the cluster was started. What
// was said later counts.
func TestVolumesTellWhereTheClusterWasStarted(t *testing.T) {
	volume := func(server, folder string) stack.Volume {
		return stack.Volume{Name: "p_" + server, Key: compose.VolumeName(server), Labels: map[string]string{stack.FolderLabel: folder}}
	}
	note := &stack.Volume{Key: noteKey, Labels: map[string]string{stack.FolderLabel: "/noted"}}
	member := stack.Container{Service: "etcd1", Created: time.Unix(1, 0), Labels: map[string]string{
		stack.RoleLabel: stack.Member, "com.docker.compose.project.working_dir": "/moved",
	}}
	for what, test := range map[string]struct {
		volumes    []stack.Volume
		containers []stack.Container
		note       *stack.Volume
		want       string
	}{
		"volumes alone":         {volumes: []stack.Volume{volume("etcd1", "/a"), volume("etcd2", "/a")}, want: "/a"},
		"of two folders":        {volumes: []stack.Volume{volume("etcd1", "/a"), volume("etcd2", "/b")}},
		"one of before":         {volumes: []stack.Volume{volume("etcd1", "/a"), volume("etcd2", "")}},
		"a note beside them":    {volumes: []stack.Volume{volume("etcd1", "/a")}, note: note, want: "/noted"},
		"a member beside them":  {volumes: []stack.Volume{volume("etcd1", "/a")}, containers: []stack.Container{member}, want: "/moved"},
		"a service's as theirs": {volumes: []stack.Volume{volume("etcd1", "/a"), {Key: noteKey}}, want: "/a"},
	} {
		f := &found{Belongings: stack.Belongings{Own: &stack.State{Volumes: test.volumes, Containers: test.containers}}, note: test.note}
		if got := f.wish().folder; got != test.want {
			t.Errorf("%s: %q, want %q", what, got, test.want)
		}
	}
}
