package swarm

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/swarm"
	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime"
)

// manager is an engine of which only its standing and the nodes are asked.
type manager struct {
	Engine
	info     swarm.Info
	nodes    []swarm.Node
	services []swarm.Service
	tasks    []swarm.Task
}

func (m manager) Ping(context.Context, client.PingOptions) (client.PingResult, error) {
	return client.PingResult{}, nil
}

func (m manager) Info(context.Context, client.InfoOptions) (client.SystemInfoResult, error) {
	return client.SystemInfoResult{Info: system.Info{Swarm: m.info}}, nil
}

func (m manager) NodeList(context.Context, client.NodeListOptions) (client.NodeListResult, error) {
	return client.NodeListResult{Items: m.nodes}, nil
}

func (manager) ConfigList(context.Context, client.ConfigListOptions) (client.ConfigListResult, error) {
	return client.ConfigListResult{}, nil
}

func (m manager) ServiceList(context.Context, client.ServiceListOptions) (client.ServiceListResult, error) {
	return client.ServiceListResult{Items: m.services}, nil
}

func (manager) ContainerList(context.Context, client.ContainerListOptions) (client.ContainerListResult, error) {
	return client.ContainerListResult{}, nil
}

func (manager) NetworkList(context.Context, client.NetworkListOptions) (client.NetworkListResult, error) {
	return client.NetworkListResult{}, nil
}

func (m manager) TaskList(context.Context, client.TaskListOptions) (client.TaskListResult, error) {
	return client.TaskListResult{Items: m.tasks}, nil
}

func aNode(id, hostname string) swarm.Node {
	return swarm.Node{
		ID: id, Description: swarm.NodeDescription{Hostname: hostname},
		Spec: swarm.NodeSpec{Availability: swarm.NodeAvailabilityActive}, Status: swarm.NodeStatus{State: swarm.NodeStateReady},
	}
}

func TestEveryMistakeOfAPlaceIsToldAtOnce(t *testing.T) {
	m := manager{
		info:  swarm.Info{LocalNodeState: swarm.LocalNodeStateActive, ControlAvailable: true},
		nodes: []swarm.Node{aNode("1", "north"), aNode("2", "south"), aNode("3", "south")},
	}
	spec := cluster.Spec{Runtime: Name, Publish: "loopback", Members: cluster.Members{List: []cluster.MemberSpec{
		{Name: "etcd1", Node: "north"}, {Name: "etcd2", Node: "south"}, {Name: "etcd3", Node: "west"}, {Name: "etcd4"},
	}}}
	_, err := New(Options{Engine: m}).Place(t.Context(), spec)
	if err == nil {
		t.Fatal("all is well")
	}
	for _, want := range []string{
		"publish: loopback can't be had", "etcd2: node: 2 nodes are called south: name one by its ID, which is one of 2 (of no address, ready), 3 (of no address, ready)",
		"etcd3: node: the swarm has no node west: it has north, south, south", "members[3].node: is missing",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
}

func TestAnEngineThatManagesNoServicesIsUnavailable(t *testing.T) {
	for _, tt := range []struct {
		standing Standing
		info     swarm.Info
	}{
		{Outside, swarm.Info{LocalNodeState: swarm.LocalNodeStateInactive}},
		{Locked, swarm.Info{LocalNodeState: swarm.LocalNodeStateLocked}},
		{Worker, swarm.Info{LocalNodeState: swarm.LocalNodeStateActive}},
		{Lonely, swarm.Info{LocalNodeState: swarm.LocalNodeStateActive, Error: "no leader"}},
		// What a manager of today's engine says whose others are gone.
		{Lonely, swarm.Info{LocalNodeState: swarm.LocalNodeStateActive, ControlAvailable: true, Error: "no leader"}},
	} {
		standing, info := tt.standing, tt.info
		_, err := New(Options{Engine: manager{info: info}, At: "ssh://ops@north"}).Observe(t.Context(), "c")
		e := (*StandingError)(nil)
		if !errors.As(err, &e) || e.Standing != standing || !errors.Is(err, runtime.ErrUnavailable) ||
			!strings.Contains(err.Error(), "the Docker Engine at ssh://ops@north") {
			t.Errorf("%s: %v", standing, err)
		}
	}
}

// An engine takes a while to tell all of itself, and most are of no swarm.
func TestAnEngineOfNoSwarmIsNotAskedForAllOfItself(t *testing.T) {
	asked := 0
	_, err := New(Options{Engine: telling{manager{}, &asked}}).Observe(t.Context(), "c")
	if e := (*StandingError)(nil); !errors.As(err, &e) || e.Standing != Outside || asked > 0 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}

// telling says at a ping that it is of no swarm, and counts how often it is asked for all
// of itself.
type telling struct {
	manager
	asked *int
}

func (telling) Ping(context.Context, client.PingOptions) (client.PingResult, error) {
	return client.PingResult{SwarmStatus: &client.SwarmStatus{NodeState: swarm.LocalNodeStateInactive}}, nil
}

func (e telling) Info(ctx context.Context, o client.InfoOptions) (client.SystemInfoResult, error) {
	*e.asked++
	return e.manager.Info(ctx, o)
}

func TestANoteIsReadAsItWasWritten(t *testing.T) {
	n := note{
		wish: "etcd: 3.6\n", folder: "/srv/a folder",
		homes: map[string]home{"etcd1": {place{"n1", "v1"}, "i1"}, "etcd2": {place{"n2", "v2"}, "i2"}},
		aside: map[string][]place{"etcd1": {{"n1", "v0"}, {"n2", "v9"}}},
		empty: map[string][]place{"etcd2": {{"n2", "v8"}}},
	}
	c := swarm.Config{ID: "1", Spec: swarm.ConfigSpec{Annotations: swarm.Annotations{Name: noteName("c"), Labels: n.labels("c")}}}
	got := readNote("c", []swarm.Config{{}, c})
	if diff := cmp.Diff(n.labels("c"), got.labels("c")); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
	if got.homes["etcd2"] != n.homes["etcd2"] || len(got.aside["etcd1"]) != 2 || len(got.empty["etcd2"]) != 1 || got.folder != n.folder {
		t.Errorf("read %+v", got)
	}
	if other := readNote("another", []swarm.Config{c}); other.id != "" {
		t.Error("another cluster reads it")
	}
}

// The reverse of a restoration is reversed in turn, on the node that both are on.
func TestWhatTheReverseOfARestorationSetsAsideCanBeBroughtBack(t *testing.T) {
	n := readNote("c", nil)
	former, made := home{place{"n1", "v1"}, "i"}, home{place{"n1", "v2"}, "i"}
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	n.use("etcd1", former, "")
	n.moveHome("etcd1", former, made, now)
	n.use("etcd1", made, "by a restoration")
	f := &found{name: "c", note: n, nodes: nodes{aNode("n1", "north")}}
	for _, to := range []home{former, made} { // undone, and undone again
		was := n.homes["etcd1"]
		mark := n.takeFromAside("etcd1", to.place)
		n.moveHome("etcd1", was, to, now)
		n.use("etcd1", to, mark)
		if all := f.allAside(); len(all) != 1 || !all[0].Restored {
			t.Errorf("once %v is back, what is set aside is %+v", to, all)
		}
	}
}

// What a restoration has made is left where it was: what is in the new place is empty.
func TestAMemberThatIsAnewElsewhereLeavesItsDataAside(t *testing.T) {
	n := readNote("c", nil)
	old, anew := home{place{"n1", "v1"}, "i"}, home{place{"n2", "v2"}, "i"}
	n.use("etcd1", old, "by a restoration")
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	n.moveHome("etcd1", old, anew, now)
	f := &found{name: "c", note: n, nodes: nodes{aNode("n1", "north")}}
	want := []runtime.Aside{{Server: "etcd1", Where: "the volume v1 on north", Time: now}}
	if diff := cmp.Diff(want, f.allAside()); diff != "" || n.homes["etcd1"] != anew || n.made["etcd1"] != "" || n.asideBy["v1"] != "by a restoration" {
		t.Errorf("the note is %+v, and what is set aside (-want +got):\n%s", n, diff)
	}
	n.moveHome("etcd1", anew, home{anew.place, "another image"}, now)
	if diff := cmp.Diff(want, f.allAside()); diff != "" {
		t.Errorf("one that stays has left something (-want +got):\n%s", diff)
	}
}

// A service whose volume the note knows is on its way to the noted one, or from it; any
// other is of a cluster that was founded beside the data.
func TestAServiceBesideTheNotedDataIsAStray(t *testing.T) {
	s := service(false)
	s.Spec.TaskTemplate.ContainerSpec.Mounts = []mount.Mount{{Type: mount.TypeVolume, Source: "v1", Target: cluster.ContainerVolumeDir}}
	other := home{place{"1", "v2"}, "i"}
	for what, test := range map[string]struct {
		edit  func(*note)
		stray bool
	}{
		"nothing is noted":      {func(*note) {}, false},
		"its own is noted":      {func(n *note) { n.homes["etcd1"] = home{place{"1", "v1"}, "i"} }, false},
		"another is noted":      {func(n *note) { n.homes["etcd1"] = other }, true},
		"another server's is":   {func(n *note) { n.homes["etcd2"] = other }, false},
		"its own was set aside": {func(n *note) { n.moveHome("etcd1", home{place{"1", "v1"}, "i"}, other, time.Time{}) }, false},
		"its own is staged": {func(n *note) {
			n.homes["etcd1"], n.staged["etcd1"] = other, staged{home{place{"1", "v1"}, "i"}, "by"}
		}, false},
	} {
		f := &found{name: "c", note: readNote("c", nil), services: []swarm.Service{s}, nodes: nodes{aNode("1", "north")}}
		test.edit(&f.note)
		err := f.checkStrays()
		if (err != nil) != test.stray || test.stray && !strings.Contains(err.Error(), "has its data in the volume v1, and the data of c is in v2 on north") {
			t.Errorf("%s: %v", what, err)
		}
		is := f.note.copied()
		f.noteHomes(&is)
		if h := is.homes["etcd1"]; h.volume == "" || test.stray && h != other {
			t.Errorf("%s: it is noted that the data is in %v", what, h)
		}
	}
}

// ran is a task that had a container.
func ran(state swarm.TaskState, node string) swarm.Task {
	return swarm.Task{NodeID: node, Status: swarm.TaskStatus{
		State: state, Timestamp: time.Unix(1, 0), ContainerStatus: &swarm.ContainerStatus{ContainerID: "c", ExitCode: 1},
	}}
}

func TestWhatATaskDoesIsTold(t *testing.T) {
	pending := swarm.Task{Status: swarm.TaskStatus{State: swarm.TaskStatePending, Err: "no suitable node"}}
	rejected := swarm.Task{Status: swarm.TaskStatus{State: swarm.TaskStateRejected, Err: "No such image"}}
	for what, test := range map[string]struct {
		tasks   []swarm.Task
		stopped bool
		once    bool // it is not started again
		down    bool
		want    runtime.Status
		detail  string
	}{
		"it runs":                      {tasks: []swarm.Task{ran(swarm.TaskStateRunning, "1")}, want: runtime.Running, detail: "running on north"},
		"it ends":                      {tasks: []swarm.Task{pending, ran(swarm.TaskStateRunning, "1")}, stopped: true, want: runtime.Running, detail: "running on north"},
		"it was stopped":               {tasks: []swarm.Task{pending, ran(swarm.TaskStateShutdown, "1")}, stopped: true, want: runtime.Stopped, detail: "stopped, exited with code 1"},
		"it has never run":             {stopped: true, want: runtime.Created, detail: "created"},
		"its image is not there":       {tasks: []swarm.Task{rejected}, want: runtime.Created, detail: "rejected: No such image"},
		"it fails again and again":     {tasks: []swarm.Task{ran(swarm.TaskStateFailed, "1")}, want: runtime.Restarting, detail: "failed"},
		"it has failed":                {tasks: []swarm.Task{ran(swarm.TaskStateFailed, "1")}, once: true, want: runtime.Failed, detail: "failed"},
		"its node is away":             {tasks: []swarm.Task{pending, ran(swarm.TaskStateRunning, "1")}, down: true, want: runtime.Away, detail: "pending: no suitable node: its node north is down"},
		"it waits for its second task": {tasks: []swarm.Task{pending, ran(swarm.TaskStateShutdown, "1")}, want: runtime.Restarting, detail: "pending: no suitable node"},
	} {
		t.Run(what, func(t *testing.T) {
			n := aNode("1", "north")
			if test.down {
				n.Status.State = swarm.NodeStateDown
			}
			s := service(test.once)
			if test.stopped {
				s.Spec = stopped(s.Spec)
			}
			f := &found{name: "c", nodes: nodes{n}, tasks: map[string][]swarm.Task{"s": test.tasks}}
			if got := f.describe(s); got.Status != test.want || got.Detail != test.detail {
				t.Errorf("it is %s (%s), want %s (%s)", got.Status, got.Detail, test.want, test.detail)
			}
		})
	}
}

func service(once bool) swarm.Service {
	condition := swarm.RestartPolicyConditionAny
	if once {
		condition = swarm.RestartPolicyConditionNone
	}
	one := uint64(1)
	return swarm.Service{ID: "s", Spec: swarm.ServiceSpec{
		Annotations: swarm.Annotations{Name: "c_etcd1", Labels: map[string]string{compose.RoleLabel: compose.RoleMember}},
		Mode:        swarm.ServiceMode{Replicated: &swarm.ReplicatedService{Replicas: &one}},
		TaskTemplate: swarm.TaskSpec{
			ContainerSpec: &swarm.ContainerSpec{}, RestartPolicy: &swarm.RestartPolicy{Condition: condition},
			Placement: &swarm.Placement{Constraints: []string{"node.id==1"}},
		},
	}}
}

func TestAStoppedServiceIsBegunAsItWas(t *testing.T) {
	s := service(false)
	s.Spec.Labels = map[string]string{compose.RoleLabel: compose.RoleMember}
	off := swarm.Service{Spec: stopped(s.Spec)}
	if isStopped(s) || !isStopped(off) {
		t.Error("what is stopped is not seen")
	}
	if diff := cmp.Diff(s.Spec, begun(off.Spec)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// A database that can't be looked at, and one that is damaged, is no sign that there is none.
func TestOnlyAMissingDatabaseIsNoData(t *testing.T) {
	ended := func(state swarm.TaskState, code int) swarm.Task {
		return swarm.Task{Status: swarm.TaskStatus{State: state, ContainerStatus: &swarm.ContainerStatus{ContainerID: "x", ExitCode: code}}}
	}
	for _, c := range []struct {
		what string
		end  swarm.Task
		said string
		want runtime.Data
	}{
		{"it was read", ended(swarm.TaskStateComplete, 0), "", runtime.Kept},
		{"it is still read", ended(swarm.TaskStateRunning, 0), "", runtime.Kept},
		{"it is not there", ended(swarm.TaskStateFailed, 1), "Error: stat /var/lib/etcd/data/member/snap/db: no such file or directory", runtime.None},
		{"it is damaged", ended(swarm.TaskStateFailed, 1), "Error: invalid database", runtime.Unknown},
		{"its reader was killed", ended(swarm.TaskStateFailed, 137), "", runtime.Unknown},
		{"the image has no reader", ended(swarm.TaskStateFailed, 127), "", runtime.Unknown},
		{"its node has refused", swarm.Task{Status: swarm.TaskStatus{State: swarm.TaskStateRejected}}, "", runtime.Unknown},
	} {
		if got := seenBy(c.end, c.said); got != c.want {
			t.Errorf("%s: the data is %q, want %q", c.what, got, c.want)
		}
	}
}
