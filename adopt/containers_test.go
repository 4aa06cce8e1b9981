package adopt

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/tarfolder"
	"github.com/etcdctr/etcdctr/runtime"
)

// oneContainer is an engine with a container, which is called etcd1.
type oneContainer struct {
	imageEngine
	in *container.InspectResponse
}

func (e oneContainer) ContainerList(context.Context, client.ContainerListOptions) (client.ContainerListResult, error) {
	return client.ContainerListResult{}, nil
}

func (e oneContainer) ContainerInspect(_ context.Context, name string, _ client.ContainerInspectOptions) (client.ContainerInspectResult, error) {
	if name != bare(e.in.Name) && name != e.in.ID {
		return client.ContainerInspectResult{}, errdefs.ErrNotFound
	}
	return client.ContainerInspectResult{Container: *e.in}, nil
}

func (e oneContainer) CopyFromContainer(_ context.Context, _ string, o client.CopyFromContainerOptions) (client.CopyFromContainerResult, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	name := path.Base(o.SourcePath)
	err := errors.Join(w.WriteHeader(&tar.Header{Name: name + "/", Typeflag: tar.TypeDir, Mode: 0o700}),
		w.WriteHeader(&tar.Header{Name: name + "/of", Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(o.SourcePath))}))
	if err == nil {
		_, err = w.Write([]byte(o.SourcePath))
	}
	return client.CopyFromContainerResult{Content: io.NopCloser(&b)}, errors.Join(err, w.Close())
}

// removal is an engine that notes with what a container was removed.
type removal struct {
	oneContainer
	volumes *[]bool
}

func (e removal) ContainerRemove(_ context.Context, _ string, o client.ContainerRemoveOptions) (client.ContainerRemoveResult, error) {
	*e.volumes = append(*e.volumes, o.RemoveVolumes)
	return client.ContainerRemoveResult{}, nil
}

func (e removal) VolumeRemove(context.Context, string, client.VolumeRemoveOptions) (client.VolumeRemoveResult, error) {
	return client.VolumeRemoveResult{}, nil
}

// An engine removes a volume without a name with the container that it was made for, also
// where it is by now another one's that does not run.
func TestAVolumeInWhichTheClusterGoesOnIsNotForgotten(t *testing.T) {
	in := kv()
	in.Name += retiredSuffix
	in.State = &container.State{Status: container.StateExited}
	in.Mounts = []container.MountPoint{{Type: mount.TypeVolume, Name: "0a1b", Destination: "/data"}}
	for used, left := range map[string]int{"0a1b": 1, "": 0} {
		var volumes []bool
		c := &Containers{Engine: removal{oneContainer{imageEngine{files: []string{"/data/member/wal"}}, in}, &volumes}, Names: []string{"etcd1"}}
		got, err := Forget(t.Context(), c, used)
		if err != nil || len(got) != left || !slices.Equal(volumes, []bool{used == ""}) {
			t.Errorf("with %q in use: left %q, removed with volumes %v: %v", used, got, volumes, err)
		}
	}
}

// kv is a container with etcd in it.
func kv(args ...string) *container.InspectResponse {
	in := plain()
	in.Name = "/etcd1"
	in.Config.Image = "quay.io/coreos/etcd:v3.6.16"
	in.Config.Cmd = append([]string{"etcd", "--name=etcd1", "--data-dir=/data", "--listen-client-urls=http://0.0.0.0:2379", "--advertise-client-urls=http://etcd1:2379"}, args...)
	in.State = &container.State{Status: container.StateRunning, Running: true}
	return in
}

// What an engine removes together with its container can't be had once that is stopped.
func TestNoContainerIsStoppedThatVanishesThen(t *testing.T) {
	in := kv()
	in.HostConfig.AutoRemove = true
	s, err := (&Containers{Engine: oneContainer{in: in}, Names: []string{"etcd1"}}).Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want, err := cluster.Resolve(cluster.Spec{Name: "ours", Etcd: "3.6", Members: cluster.Count(1), TLS: "none"}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	for way, refused := range map[Way]bool{InPlace: true, Copy: true, Join: false} {
		if err := s.lossless(way, want); errors.Is(err, ErrVanishes) != refused {
			t.Errorf("%s: %v", way, err)
		}
	}
	foreign := &fakeForeign{stack: s}
	if err := (&Runtime{Runtime: fakeOurs{}, Foreign: foreign}).Prepare(t.Context(), want); !errors.Is(err, ErrVanishes) || foreign.done != nil {
		t.Errorf("%v, %v", err, foreign.done)
	}
}

// A member of ours has its log with its data, and is to find there what the old one had
// elsewhere.
func TestALogOfAnotherFolderIsAdoptedWithItsData(t *testing.T) {
	in := kv("--wal-dir=/wal")
	in.State = &container.State{Status: container.StateExited}
	c := &Containers{Engine: oneContainer{imageEngine{files: []string{"/wal"}}, in}, Names: []string{"etcd1"}}
	s, err := c.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m := s.Members[0]
	if m.LogDir != "/wal" || m.Data != runtime.Kept {
		t.Errorf("its log is in %s, and its data is %v", m.LogDir, m.Data)
	}
	data, err := c.Data(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := errors.Join(tarfolder.Unpack(t.Context(), dir, data), data.Close()); err != nil {
		t.Fatal(err)
	}
	for file, from := range map[string]string{"member/of": "/data/member", "member/wal/of": "/wal"} {
		if got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(file))); string(got) != from || err != nil {
			t.Errorf("%s is of %q, %v", file, got, err)
		}
	}
	d, err := Describe(s, cluster.Spec{})
	if err != nil || d.Spec.Settings["wal-dir"] != "" || !slices.ContainsFunc(d.Dropped, func(x runtime.Difference) bool { return x.Name == "wal-dir" }) {
		t.Errorf("it is described as %v, with %v dropped: %v", d.Spec.Settings, d.Dropped, err)
	}
	want, err := cluster.Resolve(d.Spec, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	if way, why := Choose(s, want); way != InPlace {
		t.Errorf("the way is %q: %s", way, why)
	}
	d.Spec.Settings = map[string]string{"wal-dir": "/var/lib/etcd/wal"}
	if want, err = cluster.Resolve(d.Spec, cluster.InContainers); err != nil {
		t.Fatal(err)
	}
	if err := s.lossless(InPlace, want); !errors.Is(err, backup.ErrApart) {
		t.Errorf("a member that looks for its log elsewhere: %v", err)
	}
}

func TestWhatOnlyTheAPIV2HasIsNotLost(t *testing.T) {
	want, err := cluster.Resolve(cluster.Spec{Etcd: "3.5", Members: cluster.Count(1), TLS: "none"}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	s := shop(of("etcd1", runtime.Running, open("etcd1", cluster.Setting{Name: "enable-v2", Value: "true"})...))
	silent := of("etcd1", runtime.Stopped, open("etcd1")...)
	silent.HoldsV2 = true
	for _, s := range []*Stack{s, shop(silent)} {
		for way, refused := range map[Way]bool{InPlace: false, Copy: true, Join: false} {
			if err := s.lossless(way, want); errors.Is(err, ErrV2) != refused {
				t.Errorf("%s: %v", way, err)
			}
		}
	}
}
