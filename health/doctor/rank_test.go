package doctor

import (
	"testing"

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
			want: Diagnosis{"etcd2", "its certificate and its key don't belong together", "etcdctr certs create && etcdctr up", "discovery failed: tls: private key does not match public key", true},
		},
		"a member that was stopped beats what the others say of it": {
			members: []Member{
				{Name: "etcd1", Status: Running, Log: []string{unknownHost}},
				{Name: "etcd2", Status: Exited},
			},
			want: Diagnosis{"etcd2", "it was stopped", "etcdctr up", "", true},
		},
		"a log beats an exit code": {
			members: []Member{{Name: "etcd1", Status: Exited, ExitCode: 1, Log: []string{wrongKey}}},
			want:    Diagnosis{"etcd1", "its certificate and its key don't belong together", "etcdctr certs create && etcdctr up", "discovery failed: tls: private key does not match public key", true},
		},
		"an exit code beats nothing": {
			members: []Member{{Name: "etcd1", Status: Exited, ExitCode: 139}},
			want:    Diagnosis{"etcd1", "it ended with exit code 139", "etcdctr up", "", false},
		},
		"what nobody knows is shown as it is": {
			members: []Member{{Name: "etcd1", Status: Restarting, Log: []string{mystery}}},
			want:    Diagnosis{"etcd1", "it says: something new: nobody knows", "etcdctr logs etcd1", "something new: nobody knows", false},
		},
		"what ended a member beats what it says of its peers before, known or not": {
			members: []Member{{Name: "etcd1", Status: Restarting, Log: []string{unknownHost, mystery}}},
			want:    Diagnosis{"etcd1", "it says: something new: nobody knows", "etcdctr logs etcd1", "something new: nobody knows", false},
		},
		"what ended a member beats its exit code, known or not": {
			members: []Member{{Name: "etcd1", Status: Exited, ExitCode: 1, Log: []string{mystery}}},
			want:    Diagnosis{"etcd1", "it says: something new: nobody knows", "etcdctr logs etcd1", "something new: nobody knows", false},
		},
		"what ended a member because of its peers is their cause": {
			members: []Member{
				{Name: "etcd1", Status: Restarting, Log: []string{lonely}},
				{Name: "etcd2", Status: Exited},
			},
			want: Diagnosis{"etcd2", "it was stopped", "etcdctr up", "", true},
		},
		"memory": {
			members: []Member{{Name: "etcd1", Status: Exited, ExitCode: 137, OutOfMemory: true, Log: []string{wrongKey}}},
			want:    Diagnosis{"etcd1", "it was ended for using more memory than its container may", "etcdctr up", "", true},
		},
		"a process that was killed with its supervisor": {
			members: []Member{{Name: "etcd1", Status: Lost, Log: []string{unknownHost}}},
			want:    Diagnosis{"etcd1", "it was killed together with its supervisor, or with the machine", "etcdctr start", "", true},
		},
		"a process that its supervisor left behind": {
			members: []Member{{Name: "etcd1", Status: Orphaned}},
			want:    Diagnosis{"etcd1", "it runs without its supervisor, which was killed", "etcdctr start", "", true},
		},
		"an alarm of a member that serves": {
			members: []Member{{Name: "etcd1", Status: Running, Serves: true, Alarms: []string{"NOSPACE"}, Log: []string{unknownHost}}},
			want: Diagnosis{
				"etcd1", "its database reached the quota, and takes no more writes: delete and compact what is not needed, or raise quota-backend-bytes",
				"etcdctr etcdctl defrag --cluster && etcdctr etcdctl alarm disarm", "alarm NOSPACE", true,
			},
		},
		"damaged data": {
			members: []Member{{Name: "etcd1", Status: Running, Serves: true, Alarms: []string{"CORRUPT"}}},
			want: Diagnosis{
				"etcd1", "its data differs from that of the others: remove the member, delete its data and add it anew",
				"etcdctr etcdctl member list", "alarm CORRUPT", true,
			},
		},
		"a paused container": {
			members: []Member{{Name: "etcd1", Status: Paused}},
			want:    Diagnosis{"etcd1", "its container is paused", "etcdctr up", "", true},
		},
		"a port that another container has": {
			members: []Member{{Name: "etcd1", Status: Created, EngineError: "driver failed programming external connectivity on endpoint etcd-etcd1-1: Bind for 127.0.0.1:2379 failed: port is already allocated"}},
			want: Diagnosis{
				"etcd1", "its port 2379 is taken by another container", "docker ps --filter publish=2379",
				"driver failed programming external connectivity on endpoint etcd-etcd1-1: Bind for 127.0.0.1:2379 failed: port is already allocated", true,
			},
		},
		"an error of the engine that nobody knows": {
			members: []Member{{Name: "etcd1", Status: Created, EngineError: "no luck today"}},
			want:    Diagnosis{"etcd1", "the engine can't start it: no luck today", "etcdctr up", "no luck today", false},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, found := Diagnose(Evidence{Members: tt.members})
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
	mismatched := []Member{{Name: "etcd1", Status: Exited, ExitCode: 1, Log: []string{wrongKey}}}
	got, _ := Diagnose(Evidence{Members: mismatched, Flags: []string{"--name", "orders"}, Wanted: []string{"--file-compose", "orders.yml"}})
	if want := "etcdctr certs create --name orders && etcdctr up --file-compose orders.yml"; got.Command != want {
		t.Errorf("command %q, want %q", got.Command, want)
	}
}
