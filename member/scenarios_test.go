package member_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/member"
)

// scenarios are what every release of etcd is to do alike.
var scenarios = []struct {
	name string
	run  func(*testing.T, etcd)
}{
	{"a cluster is led, watched, copied and loses its quorum", threeMembers},
	{"a learner comes, gets its vote and goes again", learner},
	{"a learner that told who it is and serves nobody waits in vain", learnerInVain},
	{"a full database is cleaned", noSpace},
	{"full members recover while clients read", fullMembers},
	{"a downgrade is enabled and canceled", downgrade},
	{"different data is found", differentData},
	{"data is the same that was compacted up to the last write", compactedWhole},
	{"certificates and users decide", usersAndCertificates},
	{"members that do not serve yet are silent", silent},
}

func runScenarios(t *testing.T, e etcd) {
	t.Helper()
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t, e)
		})
	}
}

func TestScenarios(t *testing.T) {
	runScenarios(t, etcd{minor: cluster.NewestMinor})
}

// short is the patience with what is not going to come.
var short = member.Patience{Question: time.Second, Change: time.Second, Progress: time.Second}

func learnerInVain(t *testing.T, e etcd) {
	t.Helper()
	c := e.newCluster(t, "etcd1")
	c.start(t)
	client := c.client(t, member.Patience{})
	serving(t, client)
	c.place(t, "etcd2")
	client = c.client(t, member.Patience{})
	if _, err := client.AddLearner(t.Context(), c.peers["etcd2"]); err != nil {
		t.Fatal(err)
	}
	c.flags = []string{"--initial-cluster-state=existing"}
	c.start(t, "etcd2")
	told := func(v member.View) error {
		if m, ok := v.Member("etcd2"); !ok || len(m.ClientURLs) == 0 {
			return errors.New("it has not told who it is")
		}
		return nil
	}
	if _, err := client.WaitView(t.Context(), told); err != nil {
		t.Fatal(err)
	}
	c.stop("etcd2")
	silent, err := net.Listen("tcp", strings.TrimPrefix(c.clients["etcd2"], "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	inVain := false
	err = client.Join(ctx, "etcd2", func(u member.CatchUp) {
		if u.Unheard {
			inVain = true
			cancel()
		}
	})
	if !inVain {
		t.Errorf("nobody says that it waits in vain: %v", err)
	}
}

func threeMembers(t *testing.T, e etcd) {
	t.Helper()
	c := e.newCluster(t, "etcd1", "etcd2", "etcd3")
	c.start(t)
	client := c.client(t, member.Patience{})
	serving(t, client)
	v, err := client.WaitSteady(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leader, _ := v.Leader()
	for _, name := range []string{"etcd1", "etcd2", "etcd3"} {
		e := v.Endpoint(name)
		if !v.Serving(name) || !v.CanLose(name) || !v.CanRemove(name) || e.Version == "" || e.ClusterVersion == "" || e.DBSize == 0 || e.Latency == 0 {
			t.Errorf("%s is not as expected: %+v", name, e)
		}
	}
	follower := v.Followers()[0].Name
	if err := client.MoveLeader(t.Context(), follower); err != nil {
		t.Fatal(err)
	}
	if now, _ := look(t, client).Leader(); now.Name != follower || now.Name == leader.Name {
		t.Errorf("%s leads instead of %s", now, follower)
	}
	if now, err := client.HandOver(t.Context(), leader.Name); err != nil || now != follower {
		t.Errorf("handing over from a follower gave %q, %v; want %s", now, err, follower)
	}
	if now, err := client.HandOver(t.Context(), follower); err != nil || now == follower {
		t.Errorf("handing over from the leader gave %q, %v", now, err)
	}
	c.write(t, "etcd1", 100, 1000)
	if h, err := client.Hash(t.Context()); err != nil || !h.Same() || len(h.Members) != 3 {
		t.Errorf("the data is not the same: %+v, %v", h, err)
	}
	copied(t, c, client)
	downToOne(t, c)
}

// copied takes a snapshot and restores it.
func copied(t *testing.T, c *running, client *member.Client) {
	t.Helper()
	var data bytes.Buffer
	var total int64
	s, err := client.Snapshot(t.Context(), "etcd2", &data, func(_, all int64) { total = all })
	if err != nil {
		t.Fatal(err)
	}
	if s.Size != int64(data.Len()) || total != s.Size {
		t.Errorf("the snapshot's size is %d, progress' %d, %d bytes were written", s.Size, total, data.Len())
	}
	restore(t, data.Bytes(), snapshot.RestoreConfig{
		Name: "copy", OutputDataDir: c.data("copy"), PeerURLs: []string{"http://127.0.0.1:2380"},
		InitialCluster: "copy=http://127.0.0.1:2380", InitialClusterToken: "copy",
	})
}

func restore(t *testing.T, data []byte, config snapshot.RestoreConfig) {
	t.Helper()
	config.SnapshotPath = filepath.Join(t.TempDir(), "snapshot.db")
	if err := os.WriteFile(config.SnapshotPath, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := snapshot.NewV3(zap.NewNop()).Restore(config); err != nil {
		t.Fatal(err)
	}
}

// downToOne kills one member, and then another.
func downToOne(t *testing.T, c *running) {
	t.Helper()
	client, patient := c.client(t, short), c.client(t, member.Patience{Question: time.Second})
	c.members["etcd3"].Kill()
	v, err := patient.WaitView(t.Context(), func(v member.View) error {
		if _, led := v.Leader(); !led || !v.Serving("etcd1") || !v.Serving("etcd2") {
			return errors.New("not led anew")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if e := v.Endpoint("etcd3"); e.Trouble != member.Refused || v.Serving("etcd3") {
		t.Errorf("etcd3 is %+v", e)
	}
	if v.CanLose("etcd1") || v.CanRemove("etcd1") || !v.CanLose("etcd3") || !v.CanRemove("etcd3") {
		t.Error("of three members with one down, that one alone can be missed")
	}
	if _, err := client.AddLearner(t.Context(), "http://127.0.0.1:1"); !errors.Is(err, member.ErrUnhealthy) {
		t.Errorf("adding a learner while a member is down: %v; want ErrUnhealthy", err)
	}
	c.members["etcd2"].Kill()
	v, err = patient.WaitView(t.Context(), func(v member.View) error {
		if v.Quorum() || v.Endpoint("etcd1").Leader != 0 {
			return errors.New("still led")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if v.Endpoint("etcd1").Read != member.NoLeader || len(v.Members) != 3 {
		t.Errorf("the survivor is %+v, and knows of %v", v.Endpoint("etcd1"), v.Members)
	}
	if err := client.Remove(t.Context(), v.Members[2].ID); !errors.Is(err, member.ErrNotServing) {
		t.Errorf("a change without a quorum: %v; want ErrNotServing", err)
	}
	if _, err := client.Snapshot(t.Context(), "etcd1", new(bytes.Buffer), nil); err != nil {
		t.Errorf("a survivor gives a snapshot until it is restarted: %v", err)
	}
	c.members["etcd1"].Kill()
	c.start(t, "etcd1")
	_, err = patient.WaitView(t.Context(), func(v member.View) error {
		if v.Endpoint("etcd1").Trouble != member.Silent {
			return errors.New("not listening")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var trouble *member.TroubleError
	if _, err := client.Snapshot(t.Context(), "etcd1", new(bytes.Buffer), nil); !errors.As(err, &trouble) || trouble.Trouble != member.Silent {
		t.Errorf("a restarted survivor: %v; want it silent", err)
	}
}

func learner(t *testing.T, e etcd) {
	t.Helper()
	c := e.newCluster(t, "etcd1")
	c.start(t)
	serving(t, c.client(t, member.Patience{}))
	c.write(t, "etcd1", 100, 1000)
	c.place(t, "etcd2")
	client := c.client(t, member.Patience{})
	added, err := client.AddLearner(t.Context(), c.peers["etcd2"])
	if err != nil {
		t.Fatal(err)
	}
	if again, err := client.AddLearner(t.Context(), c.peers["etcd2"]); err != nil || again.ID != added.ID {
		t.Errorf("added again, it is %v, %v; want %v", again, err, added)
	}
	if err := client.Remove(t.Context(), added.ID); err != nil {
		t.Fatal(err)
	}
	if added, err = client.AddLearner(t.Context(), c.peers["etcd2"]); err != nil { // etcd makes its ID of its URL and the second
		t.Fatalf("added once more right after it was removed: %v", err)
	}
	if _, err := client.AddLearner(t.Context(), "http://127.0.0.1:1"); !errors.Is(err, member.ErrTooManyLearners) {
		t.Errorf("a second learner: %v; want ErrTooManyLearners", err)
	}
	if _, err := client.AddLearner(t.Context(), c.peers["etcd1"]); !errors.Is(err, member.ErrPeerURLTaken) {
		t.Errorf("a learner at a voter's URL: %v; want ErrPeerURLTaken", err)
	}
	if err := client.Promote(t.Context(), "etcd2"); !errors.Is(err, member.ErrNotAlive) {
		t.Errorf("promoting one that was never started: %v; want ErrNotAlive", err)
	}
	if err := c.client(t, short).Join(t.Context(), "etcd2", nil); !errors.Is(err, member.ErrNoProgress) || !errors.Is(err, member.ErrNotAlive) {
		t.Errorf("joining one that was never started: %v; want ErrNoProgress and ErrNotAlive", err)
	}
	wantFlaws(t, look(t, client), member.NeverStarted)

	c.flags = []string{"--initial-cluster-state=existing"}
	c.start(t, "etcd2")
	deadLearner(t, c, client)

	var seen []member.CatchUp
	if err := client.Join(t.Context(), "etcd2", func(u member.CatchUp) { seen = append(seen, u) }); err != nil {
		t.Fatal(err)
	}
	if len(seen) == 0 || !seen[len(seen)-1].Answers || seen[len(seen)-1].Behind() != 0 {
		t.Errorf("progress ended with %+v", seen)
	}
	if err := client.Join(t.Context(), "etcd2", nil); err != nil {
		t.Errorf("joining again: %v", err)
	}
	serving(t, client, "etcd2")
	if v, err := client.WaitSteady(t.Context()); err != nil || len(v.Voters()) != 2 {
		t.Errorf("two voters are wanted: %+v, %v", v.Members, err)
	}
	readdressed(t, client, added.ID)
	if _, err := client.HandOver(t.Context(), "etcd2"); err != nil {
		t.Error(err)
	}
	if err := client.Remove(t.Context(), added.ID); err != nil {
		t.Fatal(err)
	}
	<-c.members["etcd2"].Ended()
	if err := client.Remove(t.Context(), added.ID); err != nil {
		t.Errorf("removing again: %v", err)
	}
	if v := look(t, client); len(v.Members) != 1 || !v.Steady() {
		t.Errorf("one steady member is wanted: %+v, %v", v.Members, v.Unsteady())
	}
}

// deadLearner has etcd's leader believe that a learner is in step, which is gone.
func deadLearner(t *testing.T, c *running, client *member.Client) {
	t.Helper()
	_, err := client.WaitView(t.Context(), func(v member.View) error {
		if behind, known := v.Behind("etcd2"); !known || behind > 0 {
			return errors.New("not in step")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wantFlaws(t, look(t, client), member.Learning)
	c.members["etcd2"].Kill()
	if err := client.Promote(t.Context(), "etcd2"); !errors.Is(err, member.ErrNotAlive) {
		t.Errorf("promoting a dead learner: %v; want ErrNotAlive", err)
	}
	v := look(t, client)
	wantFlaws(t, v, member.Away)
	if len(v.Learners()) != 1 {
		t.Errorf("the dead learner has got its vote: %+v", v.Members)
	}
	c.start(t, "etcd2")
}

// readdressed gives a member another peer URL, and its own again.
func readdressed(t *testing.T, client *member.Client, id member.ID) {
	t.Helper()
	m, _ := look(t, client).ByID(id)
	for _, urls := range [][]string{append([]string{"http://127.0.0.1:1"}, m.PeerURLs...), m.PeerURLs} {
		if err := client.UpdatePeers(t.Context(), id, urls...); err != nil {
			t.Fatal(err)
		}
		now, _ := look(t, client).ByID(id)
		if diff := cmp.Diff(urls, now.PeerURLs); diff != "" {
			t.Errorf("peer URLs (-want +got):\n%s", diff)
		}
	}
	if err := client.UpdatePeers(t.Context(), 1, "http://127.0.0.1:1"); !errors.Is(err, member.ErrUnknownMember) {
		t.Errorf("peer URLs of nobody: %v; want ErrUnknownMember", err)
	}
}

func noSpace(t *testing.T, e etcd) {
	t.Helper()
	c := e.newCluster(t, "etcd1")
	c.flags = []string{"--quota-backend-bytes=1048576"}
	c.start(t)
	client := c.client(t, member.Patience{})
	serving(t, client)
	if _, err := client.HandOver(t.Context(), "etcd1"); !errors.Is(err, member.ErrNoFollower) {
		t.Errorf("handing over to nobody: %v; want ErrNoFollower", err)
	}
	etcd := c.raw(t, "etcd1")
	var revision int64
	for {
		put, err := etcd.Put(t.Context(), "key", string(make([]byte, 100_000)))
		if err != nil {
			break
		}
		revision = put.Header.Revision
	}
	v := look(t, client)
	wantFlaws(t, v, member.Alarmed)
	if diff := cmp.Diff([]member.Alarm{{Member: v.Endpoint("etcd1").ID, Kind: member.NoSpace}}, v.Alarms()); diff != "" {
		t.Errorf("alarms (-want +got):\n%s", diff)
	}
	for range 2 { // what is done already is no error
		if err := client.Compact(t.Context(), revision); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.Defragment(t.Context(), "etcd1"); err != nil {
		t.Fatal(err)
	}
	if now := look(t, client).Endpoint("etcd1"); now.DBSize >= v.Endpoint("etcd1").DBSize {
		t.Errorf("the database still takes %d bytes", now.DBSize)
	}
	if err := client.Disarm(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := etcd.Put(t.Context(), "key", "value"); err != nil || !look(t, client).Steady() {
		t.Errorf("it takes no writes again: %v", err)
	}
}

func downgrade(t *testing.T, e etcd) {
	t.Helper()
	c := e.newCluster(t, "etcd1")
	c.start(t)
	client := c.client(t, member.Patience{})
	serving(t, client)
	own, below := fmt.Sprintf("3.%d", e.minor), fmt.Sprintf("3.%d", e.minor-1)
	if _, err := client.WaitClusterVersion(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	if _, err := client.WaitStorageVersion(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	var other *member.VersionError
	if _, err := c.client(t, short).WaitStorageVersion(t.Context(), "3.9"); !errors.As(err, &other) || other.Others["etcd1"] != own {
		t.Errorf("waiting for what will not come: %v", err)
	}
	if err := client.CancelDowngrade(t.Context()); err != nil {
		t.Errorf("canceling what is not under way: %v", err)
	}
	if err := client.ValidateDowngrade(t.Context(), own); !errors.Is(err, member.ErrDowngradeTarget) {
		t.Errorf("a downgrade to %s itself: %v; want ErrDowngradeTarget", own, err)
	}
	if err := client.ValidateDowngrade(t.Context(), below); err != nil {
		t.Error(err)
	}
	if e.minor == 5 { // whose data 3.4 does not share with it, and which does not tell
		return
	}
	for range 2 { // what is done already is no error
		if err := client.EnableDowngrade(t.Context(), below+".1"); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.EnableDowngrade(t.Context(), own); !errors.Is(err, member.ErrDowngradeUnderWay) {
		t.Errorf("another downgrade: %v; want ErrDowngradeUnderWay", err)
	}
	if v, err := client.WaitStorageVersion(t.Context(), below); err != nil || v.Endpoint("etcd1").DowngradeTarget != below+".0" {
		t.Errorf("on the way down it is %+v, %v", v.Endpoint("etcd1"), err)
	}
	if err := client.CancelDowngrade(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v, err := client.WaitStorageVersion(t.Context(), own); err != nil || v.Endpoint("etcd1").DowngradeTarget != "" {
		t.Errorf("back again it is %+v, %v", v.Endpoint("etcd1"), err)
	}
}

// differentData restores a snapshot into one of two members and starts the other
// empty, with the token of both: one cluster, well by all of etcd's checks.
func differentData(t *testing.T, e etcd) {
	t.Helper()
	old := e.newCluster(t, "etcd1")
	old.start(t)
	client := old.client(t, member.Patience{})
	serving(t, client)
	old.write(t, "etcd1", 10, 10)
	var data bytes.Buffer
	if _, err := client.Snapshot(t.Context(), "etcd1", &data, nil); err != nil {
		t.Fatal(err)
	}

	c := e.newCluster(t, "etcd1", "etcd2")
	restore(t, data.Bytes(), snapshot.RestoreConfig{
		Name: "etcd1", OutputDataDir: c.data("etcd1"), PeerURLs: []string{c.peers["etcd1"]},
		InitialCluster: c.initial(), InitialClusterToken: "token",
	})
	c.flags = []string{"--initial-cluster-token=token"}
	c.start(t)
	client = c.client(t, member.Patience{})
	serving(t, client)
	if _, err := client.WaitSteady(t.Context()); err != nil {
		t.Fatal(err)
	}
	h, err := client.Hash(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"etcd1"}, {"etcd2"}}, h.Groups()); diff != "" || h.Same() {
		t.Errorf("groups of the same data (-want +got):\n%s%+v", diff, h)
	}
}

// compactedWhole starts one member anew that then hashes what is left, where the
// others have the hash of what was there before.
func compactedWhole(t *testing.T, e etcd) {
	t.Helper()
	c := e.newCluster(t, "etcd1", "etcd2", "etcd3")
	c.start(t)
	client := c.client(t, member.Patience{})
	serving(t, client)
	for range 2 {
		c.write(t, "etcd1", 10, 10)
	}
	v := look(t, client)
	if err := client.Compact(t.Context(), v.Endpoint("etcd1").Revision); err != nil {
		t.Fatal(err)
	}
	c.stop("etcd1")
	c.start(t, "etcd1")
	serving(t, client)
	h, err := client.Hash(t.Context())
	if err != nil || !h.Same() || h.Members[0].CompactRevision != h.Revision {
		t.Errorf("the data is not the same: %+v, %v", h, err)
	}
}

func usersAndCertificates(t *testing.T, e etcd) {
	t.Helper()
	pki := newAuthority(t)
	c := e.newCluster(t)
	c.tls, c.flags = pki.client(t, "root"), pki.serverFlags(t)
	c.place(t, "etcd1")
	c.start(t)
	root := c.client(t, member.Patience{})
	serving(t, root)
	if v := look(t, root); !v.Steady() {
		t.Errorf("with mutual TLS it is not steady: %v", v.Unsteady())
	}
	c.tls = newAuthority(t).client(t, "root")
	wantTrouble(t, c.client(t, short), member.Untrusted)
	c.clients = map[string]string{"etcd1": "http" + c.clients["etcd1"][len("https"):]}
	wantTrouble(t, c.client(t, short), member.Untrusted)
	c.clients = map[string]string{"etcd1": "https" + c.clients["etcd1"][len("http"):]}
	c.tls = pki.client(t, "guest")
	users(t, root, c.client(t, short))
}

func wantTrouble(t *testing.T, client *member.Client, want member.Trouble) {
	t.Helper()
	if e := look(t, client).Endpoint("etcd1"); e.Trouble != want || e.Details == "" {
		t.Errorf("the trouble is %q (%s), want %q", e.Trouble, e.Details, want)
	}
}

func users(t *testing.T, root, guest *member.Client) {
	t.Helper()
	ctx := t.Context()
	permission := member.Permission{Key: "app/", End: "app0", Read: true, Write: true}
	for range 2 { // what is done already is no error
		for _, err := range []error{
			root.AddUser(ctx, "root", ""), root.AddRole(ctx, "root"), root.GrantRole(ctx, "root", "root"),
			root.AddUser(ctx, "app", "secret"), root.AddRole(ctx, "app"), root.GrantPermission(ctx, "app", permission),
			root.GrantRole(ctx, "app", "app"), root.SetPassword(ctx, "app", "other"),
			root.RemoveUser(ctx, "nobody"), root.RemoveRole(ctx, "nothing"), root.RevokeRole(ctx, "app", "root"),
			root.RevokePermission(ctx, "app", "none", ""),
		} {
			if err != nil {
				t.Error(err)
			}
		}
	}
	if on, err := guest.AuthEnabled(ctx); on || err != nil {
		t.Errorf("users are on: %v, %v", on, err)
	}
	if err := root.EnableAuth(ctx); err != nil {
		t.Fatal(err)
	}
	for _, client := range []*member.Client{root, guest} {
		if on, err := client.AuthEnabled(ctx); !on || err != nil {
			t.Errorf("users are on: %v, %v", on, err)
		}
		if !look(t, client).Serving("etcd1") {
			t.Error("to be refused is to be served, as far as the member's health goes")
		}
	}
	list, err := root.Users(ctx)
	if diff := cmp.Diff([]member.User{{Name: "app", Roles: []string{"app"}}, {Name: "root", Roles: []string{"root"}}}, list); diff != "" || err != nil {
		t.Errorf("users (-want +got):\n%s%v", diff, err)
	}
	roles, err := root.Roles(ctx)
	if err != nil || len(roles) != 2 {
		t.Fatalf("roles are %+v, %v", roles, err)
	}
	if diff := cmp.Diff(member.Role{Name: "app", Permissions: []member.Permission{permission}}, roles[0]); diff != "" {
		t.Errorf("role (-want +got):\n%s", diff)
	}
	denied(t, guest)
	access(t, root, guest)
	if err := root.DisableAuth(ctx); err != nil {
		t.Error(err)
	}
}

// access brings users and roles to what they are to be, with all that was there
// otherwise.
func access(t *testing.T, root, guest *member.Client) {
	t.Helper()
	ctx := t.Context()
	if a, err := guest.Access(ctx); err != nil || !a.Denied {
		t.Errorf("to a guest, access is %+v, %v", a, err)
	}
	role := member.Role{Name: "app", Permissions: []member.Permission{{Key: "a", Read: true}, {Key: "app/", End: "app0", Read: true}}}
	for range 2 {
		for _, err := range []error{
			root.SetRole(ctx, role), root.SetRole(ctx, member.Role{Name: "new"}),
			root.SetUser(ctx, member.User{Name: "app", Roles: []string{"new"}}, ""),
			root.SetUser(ctx, member.User{Name: "guest", Roles: []string{"app", "new"}}, ""),
		} {
			if err != nil {
				t.Error(err)
			}
		}
	}
	a, err := root.Access(ctx)
	want := member.Access{
		Enabled: true,
		Users:   []member.User{{Name: "app", Roles: []string{"new"}}, {Name: "guest", Roles: []string{"app", "new"}}, {Name: "root", Roles: []string{"root"}}},
		Roles:   []member.Role{role, {Name: "new"}, a.Roles[len(a.Roles)-1]},
	}
	if diff := cmp.Diff(want, a); diff != "" || err != nil {
		t.Errorf("access (-want +got):\n%s%v", diff, err)
	}
	for _, c := range []struct {
		user, password string
		want           member.Password
	}{
		{"app", "other", member.RightPassword},
		{"app", "secret", member.WrongPassword},
		{"nobody", "other", member.WrongPassword},
		{"guest", "other", member.NoPassword},
	} {
		if got, err := root.CheckPassword(ctx, c.user, c.password); got != c.want || err != nil {
			t.Errorf("the password %s of %s is %q, %v; want %q", c.password, c.user, got, err, c.want)
		}
	}
}

// denied tries what only root may, on each release.
func denied(t *testing.T, guest *member.Client) {
	t.Helper()
	_, snapshotErr := guest.Snapshot(t.Context(), "etcd1", new(bytes.Buffer), nil)
	h, hashErr := guest.Hash(t.Context())
	if hashErr == nil {
		hashErr = h.Members[0].Err
	}
	_, addErr := guest.AddLearner(t.Context(), "http://127.0.0.1:1")
	_, usersErr := guest.Users(t.Context())
	for what, err := range map[string]error{
		"snapshot": snapshotErr, "hash": hashErr, "add": addErr, "users": usersErr,
		"defragment": guest.Defragment(t.Context(), "etcd1"),
	} {
		if !errors.Is(err, member.ErrDenied) {
			t.Errorf("%s: %v; want ErrDenied", what, err)
		}
	}
}

// silent starts one member of three.
func silent(t *testing.T, e etcd) {
	t.Helper()
	c := e.newCluster(t, "etcd1", "etcd2", "etcd3")
	c.start(t, "etcd1")
	client := c.client(t, short)
	v, err := c.client(t, member.Patience{Question: time.Second}).WaitView(t.Context(), func(v member.View) error {
		if v.Endpoint("etcd1").Trouble != member.Silent {
			return errors.New("not listening")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if v.Endpoint("etcd2").Trouble != member.Refused || v.Cluster() != 0 || v.Quorum() || len(v.Members) != 0 {
		t.Errorf("before the first quorum it looks like %+v", v)
	}
	if err := client.WaitServing(t.Context(), "etcd1"); err == nil {
		t.Error("it serves")
	}
}

func wantFlaws(t *testing.T, v member.View, want ...member.Flaw) {
	t.Helper()
	var got []member.Flaw
	for _, r := range v.Unsteady() {
		got = append(got, r.Flaw)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("flaws (-want +got):\n%s%v", diff, v.Unsteady())
	}
}
