package doctor

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	unknownHost = `{"level":"warn","msg":"prober detected unhealthy status","error":"dial tcp: lookup etcd2 on 127.0.0.11:53: no such host"}`
	wrongKey    = `{"level":"fatal","msg":"discovery failed","error":"tls: private key does not match public key"}`
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
			want: Diagnosis{"etcd2", "its certificate and its key don't belong together", "etcdctr certs create && etcdctr up", "discovery failed: tls: private key does not match public key"},
		},
		"a member that was stopped beats what the others say of it": {
			members: []Member{
				{Name: "etcd1", Status: Running, Log: []string{unknownHost}},
				{Name: "etcd2", Status: Exited},
			},
			want: Diagnosis{"etcd2", "it was stopped", "etcdctr up", ""},
		},
		"a log beats an exit code": {
			members: []Member{{Name: "etcd1", Status: Exited, ExitCode: 1, Log: []string{wrongKey}}},
			want:    Diagnosis{"etcd1", "its certificate and its key don't belong together", "etcdctr certs create && etcdctr up", "discovery failed: tls: private key does not match public key"},
		},
		"an exit code beats nothing": {
			members: []Member{{Name: "etcd1", Status: Exited, ExitCode: 139}},
			want:    Diagnosis{"etcd1", "it ended with exit code 139", "etcdctr up", ""},
		},
		"what nobody knows is shown as it is": {
			members: []Member{{Name: "etcd1", Status: Restarting, Log: []string{mystery}}},
			want:    Diagnosis{"etcd1", "it says: something new: nobody knows", "etcdctr logs etcd1", "something new: nobody knows"},
		},
		"memory": {
			members: []Member{{Name: "etcd1", Status: Exited, ExitCode: 137, OutOfMemory: true, Log: []string{wrongKey}}},
			want:    Diagnosis{"etcd1", "it was ended for using more memory than its container may", "etcdctr up", ""},
		},
		"a paused container": {
			members: []Member{{Name: "etcd1", Status: Paused}},
			want:    Diagnosis{"etcd1", "its container is paused", "etcdctr up", ""},
		},
		"a port that another container has": {
			members: []Member{{Name: "etcd1", Status: Created, EngineError: "driver failed programming external connectivity on endpoint etcd-etcd1-1: Bind for 127.0.0.1:2379 failed: port is already allocated"}},
			want: Diagnosis{
				"etcd1", "its port 2379 is taken by another container", "docker ps --filter publish=2379",
				"driver failed programming external connectivity on endpoint etcd-etcd1-1: Bind for 127.0.0.1:2379 failed: port is already allocated",
			},
		},
		"an error of the engine that nobody knows": {
			members: []Member{{Name: "etcd1", Status: Created, EngineError: "no luck today"}},
			want:    Diagnosis{"etcd1", "the engine can't start it: no luck today", "etcdctr up", "no luck today"},
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

func TestTheCommandNamesTheCluster(t *testing.T) {
	stopped := []Member{{Name: "etcd1", Status: Exited}}
	got, _ := Diagnose(Evidence{Members: stopped, Flags: []string{"--name", "orders"}})
	if want := "etcdctr up --name orders"; got.Command != want {
		t.Errorf("command %q, want %q", got.Command, want)
	}
}
