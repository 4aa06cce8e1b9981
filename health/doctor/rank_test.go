package doctor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	unknownHost = `{"level":"warn","msg":"prober detected unhealthy status","error":"dial tcp: lookup etcd2 on 127.0.0.11:53: no such host"}`
	wrongKey    = `{"level":"fatal","msg":"discovery failed","error":"tls: private key does not match public key"}`
	lonely      = `{"level":"fatal","msg":"discovery failed","error":"dial tcp 127.0.0.1:2380: connect: connection refused"}`
	mystery     = `{"level":"fatal","msg":"something new","error":"nobody knows"}`
)

func TestTheCauseThatExplainsTheOthersWins(t *testing.T) {
	tests := map[string]struct {
		members []Member
		want    Diagnosis
	}{
		"a member that serves has nothing to explain": {
			members: []Member{{Name: "etcd1", Status: Running, Serves: true, Log: []string{wrongKey}}},
		},
		"a cause in one log beats its symptoms in another": {
			members: []Member{
				{Name: "etcd1", Status: Running, Log: []string{unknownHost}},
				{Name: "etcd2", Status: Restarting, Log: []string{wrongKey}},
			},
			want: Diagnosis{Member: "etcd2", Cause: "its certificate and its key don't belong together", Command: "etcdctr certs create && etcdctr up", Evidence: "discovery failed: tls: private key does not match public key", Known: true},
		},
		"a member that was stopped beats what the others say of it": {
			members: []Member{
				{Name: "etcd1", Status: Running, Log: []string{unknownHost}},
				{Name: "etcd2", Status: Exited},
			},
			want: Diagnosis{Member: "etcd2", Cause: "it was stopped", Command: "etcdctr up", Evidence: "", Known: true},
		},
		"a member that was killed as it did not stop in time was stopped": {
			members: []Member{{Name: "etcd1", Status: Exited, ExitCode: 137}},
			want:    Diagnosis{Member: "etcd1", Cause: "it was stopped", Command: "etcdctr up", Evidence: "", Known: true},
		},
		"whoever runs it knows whether it was asked to end, whatever its code": {
			members: []Member{{Name: "etcd1", Status: Exited, ExitCode: 2}, {Name: "etcd2", Status: Running}},
			want:    Diagnosis{Member: "etcd1", Cause: "it was stopped", Command: "etcdctr up", Evidence: "", Known: true},
		},
		"and whether it was not": {
			members: []Member{{Name: "etcd1", Status: Failed, ExitCode: 137}, {Name: "etcd2", Status: Running}},
			want:    Diagnosis{Member: "etcd1", Cause: "it ended with exit code 137", Command: "etcdctr up", Evidence: "", Known: false},
		},
		"a log beats an exit code": {
			members: []Member{{Name: "etcd1", Status: Failed, ExitCode: 1, Log: []string{wrongKey}}},
			want:    Diagnosis{Member: "etcd1", Cause: "its certificate and its key don't belong together", Command: "etcdctr certs create && etcdctr up", Evidence: "discovery failed: tls: private key does not match public key", Known: true},
		},
		"an exit code beats nothing": {
			members: []Member{{Name: "etcd1", Status: Failed, ExitCode: 139}},
			want:    Diagnosis{Member: "etcd1", Cause: "it ended with exit code 139", Command: "etcdctr up", Evidence: "", Known: false},
		},
		"what nobody knows is shown as it is": {
			members: []Member{{Name: "etcd1", Status: Restarting, Log: []string{mystery}}},
			want:    Diagnosis{Member: "etcd1", Cause: "it says: something new: nobody knows", Command: "etcdctr logs etcd1", Evidence: "something new: nobody knows", Known: false},
		},
		"what ended a member beats what it says of its peers before, known or not": {
			members: []Member{{Name: "etcd1", Status: Restarting, Log: []string{unknownHost, mystery}}},
			want:    Diagnosis{Member: "etcd1", Cause: "it says: something new: nobody knows", Command: "etcdctr logs etcd1", Evidence: "something new: nobody knows", Known: false},
		},
		"what ended a member beats its exit code, known or not": {
			members: []Member{{Name: "etcd1", Status: Failed, ExitCode: 1, Log: []string{mystery}}},
			want:    Diagnosis{Member: "etcd1", Cause: "it says: something new: nobody knows", Command: "etcdctr logs etcd1", Evidence: "something new: nobody knows", Known: false},
		},
		"what ended a member because of its peers is their cause": {
			members: []Member{
				{Name: "etcd1", Status: Restarting, Log: []string{lonely}},
				{Name: "etcd2", Status: Exited},
			},
			want: Diagnosis{Member: "etcd2", Cause: "it was stopped", Command: "etcdctr up", Evidence: "", Known: true},
		},
		"memory": {
			members: []Member{{Name: "etcd1", Status: Exited, ExitCode: 137, OutOfMemory: true, Log: []string{wrongKey}}},
			want:    Diagnosis{Member: "etcd1", Cause: "it was ended for using more memory than its container may", Command: "etcdctr up", Evidence: "", Known: true},
		},
		"a process that was killed with its supervisor": {
			members: []Member{{Name: "etcd1", Status: Failed, Detail: "killed together with its supervisor", Log: []string{unknownHost}}},
			want:    Diagnosis{Member: "etcd1", Cause: "it ended by itself, or was killed: killed together with its supervisor", Command: "etcdctr up", Evidence: "", Known: false},
		},
		"an alarm of a member that serves": {
			members: []Member{{Name: "etcd1", Status: Running, Serves: true, Alarms: []string{"NOSPACE"}, Space: Space{Size: 100, InUse: 90, Quota: 100, Revision: 7}, Log: []string{unknownHost}}},
			want: Diagnosis{
				Member: "etcd1", Cause: "its database reached the quota, and takes no more writes", Evidence: "alarm NOSPACE", Known: true,
				Command: "etcdctr compact --recover",
			},
		},
		"an alarm that is left after the quota was raised": {
			members: []Member{{Name: "etcd1", Status: Running, Serves: true, Alarms: []string{"NOSPACE"}, Space: Space{Size: 100, InUse: 90, Quota: 400, Revision: 7}}},
			want: Diagnosis{
				Member: "etcd1", Cause: "its database reached the quota, and takes no more writes; there is room again, and only the alarm is left",
				Command: "etcdctr etcdctl alarm disarm", Evidence: "alarm NOSPACE", Known: true,
			},
		},
		"data that differs, and one that is right": {
			members: []Member{
				{Name: "etcd1", Status: Running, Serves: true, ClusterID: "c1", Hash: "b", Alarms: []string{"CORRUPT"}},
				{Name: "etcd2", Status: Running, Serves: true, ClusterID: "c1", Hash: "a"},
				{Name: "etcd3", Status: Running, Serves: true, ClusterID: "c1", Hash: "a"},
			},
			want: Diagnosis{Member: "etcd1", Cause: "its data differs from that of the others", Command: "etcdctr member replace etcd1", Evidence: "alarm CORRUPT", Known: true},
		},
		"an alarm about a member whose data is right": {
			members: []Member{
				{Name: "etcd1", Status: Running, Serves: true, ClusterID: "c1", Hash: "b"},
				{Name: "etcd2", Status: Running, Serves: true, ClusterID: "c1", Hash: "a", Alarms: []string{"CORRUPT"}},
				{Name: "etcd3", Status: Running, Serves: true, ClusterID: "c1", Hash: "a"},
			},
			want: Diagnosis{
				Member: "etcd2", Cause: "etcd blames its data, and that is what most members have: the data of etcd1 differs",
				Command: "etcdctr member replace etcd1", Evidence: "alarm CORRUPT", Known: true,
			},
		},
		"an alarm of 3.5, about nobody": {
			members: []Member{
				{Name: "etcd1", Status: Running, Serves: true, ClusterID: "c1", Hash: "a", Alarms: []string{"CORRUPT"}},
				{Name: "etcd2", Status: Running, Serves: true, ClusterID: "c1", Hash: "b", Alarms: []string{"CORRUPT"}},
				{Name: "etcd3", Status: Running, Serves: true, ClusterID: "c1", Hash: "a", Alarms: []string{"CORRUPT"}},
			},
			want: Diagnosis{
				Member: "etcd1", Cause: "etcd blames its data, and that is what most members have: the data of etcd2 differs",
				Command: "etcdctr member replace etcd2", Evidence: "alarm CORRUPT", Known: true,
			},
		},
		"an alarm about data that is the same by now": {
			members: []Member{
				{Name: "etcd1", Status: Running, Serves: true, ClusterID: "c1", Hash: "a"},
				{Name: "etcd2", Status: Running, Serves: true, ClusterID: "c1", Hash: "a", Alarms: []string{"CORRUPT"}},
				{Name: "etcd3", Status: Running, Serves: true, ClusterID: "c1", Hash: "a"},
			},
			want: Diagnosis{
				Member: "etcd2", Cause: "etcd blames its data, and all members have the same: only the alarm is left",
				Command: "etcdctr etcdctl alarm disarm", Evidence: "alarm CORRUPT", Known: true,
			},
		},
		"data that differs, and was not compared": {
			members: []Member{
				{Name: "etcd1", Status: Running, Serves: true, ClusterID: "c1", Alarms: []string{"CORRUPT"}},
				{Name: "etcd2", Status: Running, Serves: true, ClusterID: "c1"},
				{Name: "etcd3", Status: Running, Serves: true, ClusterID: "c1"},
			},
			want: Diagnosis{
				Member: "etcd1", Cause: "its data differs from that of the others; nothing tells which of them is right: save a snapshot of each",
				ByHand: hands[Restore], Evidence: "alarm CORRUPT", Known: true,
			},
		},
		"data that differs, and nobody to compare it with": {
			members: []Member{{Name: "etcd1", Status: Running, Serves: true, Alarms: []string{"CORRUPT"}}},
			want: Diagnosis{
				Member: "etcd1", Cause: "its data differs from that of the others; nothing tells which of them is right: save a snapshot of each",
				ByHand: hands[Restore], Evidence: "alarm CORRUPT", Known: true,
			},
		},
		"a paused container": {
			members: []Member{{Name: "etcd1", Status: Paused}},
			want:    Diagnosis{Member: "etcd1", Cause: "it is paused", Command: "etcdctr up", Evidence: "", Known: true},
		},
		"a port that another container has": {
			members: []Member{{Name: "etcd1", Status: Created, EngineError: "driver failed programming external connectivity on endpoint etcd-etcd1-1: Bind for 127.0.0.1:2379 failed: port is already allocated"}},
			want:    Diagnosis{Member: "etcd1", Cause: "its port 2379 is taken by another container", Command: "docker ps --filter publish=2379", Evidence: "driver failed programming external connectivity on endpoint etcd-etcd1-1: Bind for 127.0.0.1:2379 failed: port is already allocated", Known: true},
		},
		"a port that is taken on Engine 29": {
			members: []Member{{Name: "etcd1", Status: Created, EngineError: "failed to set up container networking: driver failed programming external connectivity on endpoint etcd-etcd1-1: failed to bind host port 127.0.0.1:2379/tcp: address already in use"}},
			want:    Diagnosis{Member: "etcd1", Cause: "something else listens on its port 2379", Command: "ss -ltnp sport = :2379", Evidence: "failed to set up container networking: driver failed programming external connectivity on endpoint etcd-etcd1-1: failed to bind host port 127.0.0.1:2379/tcp: address already in use", Known: true},
		},
		"a port that is taken on Engine 28": {
			members: []Member{{Name: "etcd1", Status: Created, EngineError: "failed to bind host port for [::1]:2379:172.18.0.2:2379/tcp: address already in use"}},
			want:    Diagnosis{Member: "etcd1", Cause: "something else listens on its port 2379", Command: "ss -ltnp sport = :2379", Evidence: "failed to bind host port for [::1]:2379:172.18.0.2:2379/tcp: address already in use", Known: true},
		},
		"an error of the engine that nobody knows": {
			members: []Member{{Name: "etcd1", Status: Created, EngineError: "no luck today"}},
			want:    Diagnosis{Member: "etcd1", Cause: "the engine can't start it: no luck today", Command: "etcdctr up", Evidence: "no luck today", Known: false},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, found := Diagnose(Evidence{Members: tt.members})
			got.Remedy = Remedy{} // which Command renders
			if diff := cmp.Diff(tt.want, got); diff != "" || found != (tt.want != Diagnosis{}) {
				t.Errorf("found %v, diagnosis (-want +got):\n%s", found, diff)
			}
		})
	}
}

func TestTheDiskIsTheOneThatTheMembersAreOn(t *testing.T) {
	full := []Member{{Name: "etcd1", Status: Restarting, Log: []string{`{"level":"fatal","msg":"wal","error":"no space left on device"}`}}}
	for disk, want := range map[string]string{"": "docker system df", "df -h /data": "df -h /data"} {
		if got, _ := Diagnose(Evidence{Members: full, Disk: disk}); got.Command != want {
			t.Errorf("got %q, want %q", got.Command, want)
		}
	}
}

func TestTheCommandNamesTheCluster(t *testing.T) {
	stopped := []Member{{Name: "etcd1", Status: Exited}}
	got, _ := Diagnose(Evidence{Members: stopped, Flags: []string{"--name", "orders"}})
	if want := "etcdctr up --name orders"; got.Command != want {
		t.Errorf("command %q, want %q", got.Command, want)
	}
}

func TestTheCommandStartsWhatWasWanted(t *testing.T) {
	mismatched := []Member{{Name: "etcd1", Status: Failed, ExitCode: 1, Log: []string{wrongKey}}}
	got, _ := Diagnose(Evidence{Members: mismatched, Flags: []string{"--name", "orders"}, Wanted: []string{"--file-compose", "orders.yml"}})
	if want := "etcdctr certs create --name orders && etcdctr up --file-compose orders.yml"; got.Command != want {
		t.Errorf("command %q, want %q", got.Command, want)
	}
}

// A member that runs repeats whom it misses: what it said of one that was started since, or
// has not said for long, is over.
func TestWhoWasMissedBeforeIsNotMissedNow(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		ago   time.Duration // since the line was written
		since time.Duration // since etcd2 was started
		gone  bool
	}{
		"started since":    {20 * time.Second, 10 * time.Second, false},
		"said long ago":    {2 * time.Minute, time.Hour, false},
		"said while it is": {10 * time.Second, time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			line := fmt.Sprintf(`{"level":"warn","ts":%q,"msg":"prober detected unhealthy status","error":"dial tcp: lookup etcd2: no such host"}`, now.Add(-tt.ago).Format(logTime))
			e := Evidence{Now: now, Members: []Member{
				{Name: "etcd1", Status: Running, Log: []string{line}},
				{Name: "etcd2", Status: Running, Since: now.Add(-tt.since), PeerURL: "https://etcd2:2380"},
			}}
			d, found := Diagnose(e)
			if named := found && strings.Contains(d.Cause, "it does not find etcd2"); named != tt.gone {
				t.Errorf("it says %+v", d)
			}
			if tt.gone && !d.Symptom {
				t.Error("that it was missed is no symptom")
			}
		})
	}
}

// Whatever else up would do is not asked for.
func TestMembersThatWereOnlyStoppedAreOnlyStarted(t *testing.T) {
	running, stopped := Member{Name: "etcd1", Status: Running, Answers: true, Serves: true, Data: DataKept}, Member{Name: "etcd2", Status: Exited, Data: DataKept}
	also, gone, failed := stopped, stopped, stopped
	also.Name, gone.Data, failed.Status = "etcd3", DataLost, Failed
	failed.Name = "etcd3"
	for name, tt := range map[string]struct {
		members []Member
		differs bool
		want    string
	}{
		"one is stopped":                      {[]Member{running, stopped}, false, "etcdctr start --name orders etcd2"},
		"two are":                             {[]Member{running, stopped, also}, false, "etcdctr start --name orders etcd2 etcd3"},
		"something is not as it is described": {[]Member{running, stopped}, true, "etcdctr up --name orders --detach"},
		"another one has ended by itself":     {[]Member{running, stopped, failed}, false, "etcdctr up --name orders --detach"},
		"it has lost its data":                {[]Member{running, gone}, false, "etcdctr member replace --name orders etcd2"},
	} {
		e := Evidence{Members: tt.members, Described: true, AsDescribed: !tt.differs, Flags: []string{"--name", "orders"}, Wanted: []string{"--name", "orders", "--detach"}}
		if d, found := Diagnose(e); !found || d.Command != tt.want {
			t.Errorf("%s: it is %+v", name, d)
		}
	}
}

func TestALostQuorumIsNamedWithWhoIsMissing(t *testing.T) {
	stopped := func(name string) Member { return Member{Name: name, Status: Exited, Data: DataKept} }
	d, _ := Diagnose(Evidence{Members: []Member{stopped("etcd1"), stopped("etcd2"), {Name: "etcd3", Status: Running, Answers: true, Data: DataKept}}})
	if want := "it was stopped; others that do not run: etcd2; the quorum is lost, which takes 2 of 3 members"; d.Cause != want {
		t.Errorf("it says %q, want %q", d.Cause, want)
	}
}
