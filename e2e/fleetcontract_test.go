//go:build e2e && linux

package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	etcdimages "github.com/etcdctr/etcdctr/images"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/docker"
	dockerengine "github.com/etcdctr/etcdctr/runtime/docker/engine"
	"github.com/etcdctr/etcdctr/runtime/fleet"
	"github.com/etcdctr/etcdctr/runtime/runtimetest"
)

// engineOf is a machine's engine for a fleet.
type engineOf struct {
	*docker.Runtime
	engine *dockerengine.Engine
}

func (e *engineOf) Answers(ctx context.Context) error { return e.engine.Answers(ctx) }
func (e *engineOf) Close() error                      { return e.engine.Close() }

// TestContractOfRuntimeFleet runs the suite of all runtimes on three machines.
func TestContractOfRuntimeFleet(t *testing.T) {
	useTodaysEngine(t)
	image := etcdImage(t, cluster.NewestMinor)
	f := newFleet(t, 3, image)
	dir, binary := t.TempDir(), etcdctrBinary(t)
	describe := func(s *cluster.Spec) {
		s.Image = image
		for i, m := range f.machines[:max(1, s.Members.Count)] {
			s.Members.List = append(s.Members.List, cluster.MemberSpec{
				Name: fmt.Sprintf("etcd%d", i+1), Host: m.address, Engine: "unix://" + m.disk + "/engine.sock",
			})
		}
		s.Members.Count = 0
	}
	all := cluster.Spec{Members: cluster.Count(3)}
	describe(&all)
	runtimetest.Run(t, runtimetest.Fixture{
		Prefix: uniqueName(namePrefix) + "-",
		Runtime: func(t *testing.T, events func(runtime.Event)) runtime.Runtime {
			t.Helper()
			r := fleet.New(fleet.Options{
				Spec: all, Name: docker.Name, Notes: dir, Events: events,
				Dial: func(ctx context.Context, network, address string) (conn net.Conn, err error) {
					err = place("/run/netns/" + f.namespace).in(func() (err error) {
						conn, err = new(net.Dialer).DialContext(ctx, network, address)
						return err
					})
					return conn, err
				},
				Open: func(at cluster.Engine, tell func(runtime.Event)) (fleet.Engine, error) {
					e, err := dockerengine.Open(at.At, at.Certs, "etcdctr-e2e")
					if err != nil {
						return nil, err
					}
					return &engineOf{engine: e, Runtime: docker.New(docker.Options{
						Engine: e, Answers: e.Answers, Folder: dir, CertsDir: "certs", DNSDir: "dns", LockDir: dir,
						Pull: docker.PullNever, Self: etcdimages.Self{File: binary}, Events: tell,
					})}, nil
				},
			})
			t.Cleanup(func() { _ = r.Close() })
			return r
		},
		Describe: describe,
		Spoil:    func(c *cluster.Cluster) { c.Image = "localhost/nowhere:v3.7.3" },
		Crash: func(t *testing.T, name, server string) {
			t.Helper()
			succeed(t, f.of(server).engine("kill", name+"-"+server+"-1"), "")
		},
		Holds: func(t *testing.T, _, server, where string) bool {
			t.Helper()
			at, volume, _ := strings.Cut(where, " in the volume ")
			volume, machine, _ := strings.Cut(volume, " on ")
			if machine == "" {
				t.Errorf("%s is on no machine", where)
			}
			folder := strings.TrimSpace(succeed(t, f.of(server).engine("volume", "inspect", "--format", "{{.Mountpoint}}", volume), ""))
			folder = strings.Replace(folder, "/run/disk", f.of(server).disk, 1)
			_, err := os.Stat(strings.Replace(at, cluster.ContainerVolumeDir, folder, 1) + "/member/wal")
			return err == nil
		},
		Bystander: func(t *testing.T, name string) func() error {
			t.Helper()
			return f.machines[0].bystander(t, name, image)
		},
	})
}

// of is the machine of a member that has not moved.
func (f *fleetTest) of(member string) *machine {
	for _, m := range f.machines {
		if m.member == member {
			return m
		}
	}
	f.t.Fatalf("there is no machine of %s", member)
	return nil
}

// bystander is an application in a Compose project of the cluster's name.
func (m *machine) bystander(t *testing.T, name, image string) (untouched func() error) {
	t.Helper()
	container := name + "-web-1"
	succeed(t, m.engine("run", "--detach", "--name", container, "--label", "com.docker.compose.project="+name, "--label", "com.docker.compose.service=web", image), "")
	t.Cleanup(func() { succeed(t, m.engine("rm", "--force", "--volumes", container), "") })
	look := func() (string, error) {
		return output(m.engine("inspect", "--format", "{{.Id}} {{.State.Running}} {{.State.StartedAt}}", container), "")
	}
	before, err := look()
	if err != nil {
		t.Fatal(err)
	}
	return func() error {
		now, err := look()
		if err == nil && now != before {
			err = fmt.Errorf("%s was %s and is %s", container, before, now)
		}
		return err
	}
}
