package doctor

import (
	"strings"
	"testing"
)

// The engine of here knows nothing of a port of another machine.
func TestAPortOfAnotherMachineIsLookedForThere(t *testing.T) {
	for engine, want := range map[string]string{
		"": "docker ps --filter publish=2379", "ssh://root@192.0.2.1": "docker --host ssh://root@192.0.2.1 ps --filter publish=2379",
		"east": "docker --context east ps --filter publish=2379",
	} {
		d, found := Diagnose(Evidence{Members: []Member{{
			Name: "etcd1", Status: Created, Engine: engine, EngineError: "Bind for 192.0.2.1:2379 failed: port is already allocated",
		}}})
		if !found || d.Command != want {
			t.Errorf("for %q it is %q", engine, d.Command)
		}
	}
}

// What a machine's shell says is asked for where the machine is.
func TestWhatListensOnAnotherMachineIsLookedForThere(t *testing.T) {
	for engine, want := range map[string]string{
		"": "ss -ltnp sport = :2379", "tcp://192.0.2.1:2376": "ss -ltnp sport = :2379", "east": "ss -ltnp sport = :2379",
		"ssh://root@192.0.2.1": "ssh root@192.0.2.1 ss -ltnp sport = :2379", "ssh://east:2222/run/podman/podman.sock": "ssh -p 2222 east ss -ltnp sport = :2379",
	} {
		d, found := Diagnose(Evidence{Members: []Member{{
			Name: "etcd1", Status: Created, Engine: engine, EngineError: "failed to bind host port for 192.0.2.1:2379:172.18.0.2:2379/tcp: address already in use",
		}}})
		if !found || d.Command != want {
			t.Errorf("for %q it is %q", engine, d.Command)
		}
	}
}

// A member whose data was deleted while it ran ends with words that no rule knows.
func TestAMemberWhoseDataWasTakenAwayWhileItRanIsReplaced(t *testing.T) {
	serving := func(name string) Member {
		return Member{Name: name, Status: Running, Serves: true, ClusterID: "a", Data: DataKept}
	}
	d, found := Diagnose(Evidence{Members: []Member{serving("etcd1"), serving("etcd2"), {
		Name: "etcd3", Status: Failed, Data: DataLost, Emptied: true, Detail: "its data is gone, and before that it ended by exit status 1",
		Log: []string{`{"level":"fatal","msg":"failed to purge wal file","error":"open etcd3/data/member/wal: no such file or directory"}`},
	}}})
	if !found || d.Command != "etcdctr member replace etcd3" || !strings.Contains(d.Cause, "its data is gone") {
		t.Errorf("it is %+v", d)
	}
}

// What is on a machine that does not answer nobody knows: neither that it has the last
// copy, nor that it could be started.
func TestOfAMachineThatDoesNotAnswerNothingIsClaimed(t *testing.T) {
	const why = "Permission denied (publickey)"
	gone := func(name string) Member { return Member{Name: name, Status: Missing, Data: DataLost} }
	away := func(name string) Member { return Member{Name: name, Status: Away, Detail: why} }
	stopped := func(name string) Member { return Member{Name: name, Status: Exited, Data: DataKept} }
	for name, c := range map[string]struct {
		members []Member
		of      string // the diagnosis is about
		says    []string
		command string
	}{
		"one of a cluster that is not there": {
			[]Member{gone("etcd1"), gone("etcd2"), away("etcd3")}, "etcd3", []string{"its machine does not answer: " + why, "whether the cluster is on it nobody knows"}, "",
		},
		"two of a cluster that is not there": {
			[]Member{gone("etcd1"), away("etcd2"), away("etcd3")}, "etcd2", []string{why, "on those of etcd2 and etcd3 nobody knows"}, "",
		},
		"all": {[]Member{away("etcd1"), away("etcd2"), away("etcd3")}, "etcd1", []string{why}, ""},
		"one, and the others are stopped": {
			[]Member{away("etcd1"), stopped("etcd2"), stopped("etcd3")}, "etcd2", []string{"it was stopped"}, "etcdctr up",
		},
		"one, one is stopped, and one has lost its data": {
			[]Member{away("etcd1"), gone("etcd2"), stopped("etcd3")}, "etcd3", []string{"those that have the data come first"}, "etcdctr start etcd3",
		},
		"one, one runs, and one has lost its data": {
			[]Member{gone("etcd1"), away("etcd2"), {Name: "etcd3", Status: Running, Data: DataKept}}, "etcd2", []string{"its machine does not answer: " + why}, "",
		},
		"two, and one has lost its data of five": {
			[]Member{away("etcd1"), gone("etcd2"), gone("etcd3"), gone("etcd4"), stopped("etcd5")}, "etcd2", []string{"etcd5 may have the last copy"}, "etcdctr recover",
		},
		"one that the others do without": {
			[]Member{away("etcd1"), {Name: "etcd2", Status: Running, Serves: true, ClusterID: "a"}, {Name: "etcd3", Status: Running, Serves: true, ClusterID: "a"}},
			"etcd1",
			[]string{"its machine does not answer: " + why},
			"",
		},
	} {
		d, found := Diagnose(Evidence{Members: c.members})
		if !found || d.Member != c.of || d.Command != c.command {
			t.Errorf("%s: %+v", name, d)
		}
		for _, what := range c.says {
			if !strings.Contains(d.Cause, what) {
				t.Errorf("%s: nothing of %q: %s", name, what, d.Cause)
			}
		}
	}
}

// Members whose machines are lost can't be given others as long as there is no quorum,
// which nobody brings back but recover.
func TestMostMachinesThatAreLostLeadToRecover(t *testing.T) {
	for held, of := range map[string]string{"": "its machine does not answer: no route", "its node is down": "its node is down"} {
		away := func(name string) Member { return Member{Name: name, Status: Away, Detail: "no route", Held: held} }
		left := Member{Name: "etcd1", Status: Running, Data: DataKept}
		d, found := Diagnose(Evidence{Members: []Member{left, away("etcd2"), away("etcd3")}})
		if !found || d.Cause != of+"; without those of etcd2 and etcd3 there is no quorum" || !strings.Contains(d.ByHand, "`etcdctr recover` rebuilds") {
			t.Errorf("%+v", d)
		}
	}
}

// That it was stopped is the lesser part of it where its data went since.
func TestAStoppedMemberWhoseDataIsGoneIsSaidToHaveLostIt(t *testing.T) {
	d, found := Diagnose(Evidence{Members: []Member{
		{Name: "etcd1", Status: Running, Serves: true, Data: DataKept},
		{Name: "etcd2", Status: Exited, Data: DataLost},
		{Name: "etcd3", Status: Running, Serves: true, Data: DataKept},
	}})
	if !found || d.Member != "etcd2" || !strings.Contains(d.Cause, "it was stopped, and its data is gone") {
		t.Errorf("it says %+v", d)
	}
}
