package doctor

import (
	"strings"
	"testing"
	"time"
)

// Lines of real members, where the releases say different things. The
// newest is provoked anew each time.
func TestEachReleaseIsUnderstood(t *testing.T) {
	tests := map[string]struct{ line, cause string }{
		"3.5, a damaged log": {
			`{"level":"fatal","ts":"2026-11-28T17:20:45.295339Z","caller":"etcdmain/etcd.go:204","msg":"discovery failed","error":"walpb: crc mismatch"}`,
			"its write-ahead log is damaged",
		},
		"3.6, a damaged log": {
			`{"level":"error","ts":"2026-11-28T17:21:09.944419Z","caller":"etcdserver/server.go:309","msg":"bootstrap failed","error":"walpb: crc mismatch: expected: b6b3122a computed: 7ae24eb2: in file '0000000000000000-0000000000000000.wal' at position: 280"}`,
			"its write-ahead log is damaged",
		},
		"3.7, a damaged record": {
			`{"level":"fatal","ts":"2026-11-29T12:25:49.809Z","caller":"etcdmain/etcd.go:187","msg":"discovery failed","error":"proto:\u00a0cannot parse invalid wire-format data"}`,
			"its write-ahead log is damaged",
		},
		"3.7, a damaged record in another build": {
			"{\"level\":\"fatal\",\"ts\":\"2026-11-29T12:25:49.809Z\",\"msg\":\"discovery failed\",\"error\":\"proto:\u00a0cannot parse invalid wire-format data\"}",
			"its write-ahead log is damaged",
		},
		"3.5 and 3.6, an empty log": {"panic: cannot use none as id", "an empty or cut-off write-ahead log"},
		"3.7, an empty log":         {"panic: runtime error: invalid memory address or nil pointer dereference", "an empty or cut-off write-ahead log"},
		"3.5, a database that is none": {
			`{"level":"panic","ts":"2026-11-28T17:20:47.940575Z","caller":"backend/backend.go:201","msg":"failed to open database","path":"/data/member/snap/db","error":"invalid database"}`,
			"its database is damaged",
		},
		"3.5, a log elsewhere": {
			`{"level":"panic","ts":"2026-11-28T17:20:59.814924Z","caller":"etcdserver/raft.go:492","msg":"failed to create WAL","error":"mkdir /wal.tmp: read-only file system"}`,
			"it can't write to /wal",
		},
		"3.6, a log elsewhere": {
			`{"level":"panic","ts":"2026-11-28T17:21:23.165924Z","caller":"etcdserver/bootstrap.go:663","msg":"failed to create WAL","error":"mkdir /proc/wal.tmp: no such file or directory"}`,
			"it can't make its write-ahead log in /proc/wal",
		},
		"any release, an encrypted key": {
			`{"level":"fatal","ts":"2026-11-29T12:55:50.165704Z","caller":"etcdmain/etcd.go:172","msg":"listener failed","error":"tls: failed to parse private key"}`,
			"its private key is encrypted",
		},
		"any release, a folder of another user's": {
			`{"level":"fatal","ts":"2026-11-30T14:08:45.624074Z","caller":"etcdmain/etcd.go:201","msg":"failed to list data directory","dir":"/data","error":"open /data: permission denied"}`,
			"it may not write to its data directory, which belongs to another user",
		},
		"3.5, data of another user's": {
			`{"level":"fatal","ts":"2026-11-30T14:08:18.404177Z","caller":"etcdserver/server.go:362","msg":"failed to create snapshot directory","path":"/data/member/snap","error":"mkdir /data/member/snap: permission denied"}`,
			"it may not open /data/member/snap: its data belongs to another user",
		},
		"3.6 and 3.7, data of another user's": {
			`{"level":"fatal","ts":"2026-11-30T14:09:17.168147Z","caller":"etcdmain/etcd.go:157","msg":"discovery failed","error":"cannot access member directory: open /data/member/.touch: permission denied"}`,
			"it may not open /data/member/.touch: its data belongs to another user",
		},
		"any release, a folder that is read-only": {
			`{"level":"fatal","ts":"2026-11-30T14:09:24.855479Z","caller":"etcdmain/etcd.go:157","msg":"discovery failed","error":"cannot access data directory: open /data/.touch: read-only file system"}`,
			"which is mounted read-only",
		},
		"3.5, an empty key": {
			`{"level":"fatal","ts":"2026-11-28T17:20:58.875654Z","caller":"etcdmain/etcd.go:204","msg":"discovery failed","error":"tls: failed to find any PEM data in key input"}`,
			"a certificate or key file is empty",
		},
		"3.5, a firewall before its peers": {
			`{"level":"warn","ts":"2026-11-30T21:08:02.755613Z","caller":"rafthttp/probing_status.go:68","msg":"prober detected unhealthy status","round-tripper-name":"ROUND_TRIPPER_SNAPSHOT","remote-peer-id":"189391a53308619a","rtt":"0s","error":"dial tcp 10.8.0.2:2380: i/o timeout"}`,
			"nothing answers it at 10.8.0.2:2380: a firewall",
		},
		"3.6 and 3.7, a firewall before its peers": {
			`{"level":"warn","ts":"2026-11-30T21:08:28.182942Z","caller":"rafthttp/probing_status.go:68","msg":"prober detected unhealthy status","round-tripper-name":"ROUND_TRIPPER_RAFT_MESSAGE","remote-peer-id":"c726ac0957ae957c","rtt":"0s","error":"dial tcp 10.8.0.3:2380: i/o timeout"}`,
			"nothing answers it at 10.8.0.3:2380: a firewall",
		},
		"any release, a peer that is off or behind a firewall that refuses": {
			`{"level":"warn","ts":"2026-11-30T21:08:28.182942Z","caller":"rafthttp/probing_status.go:68","msg":"prober detected unhealthy status","round-tripper-name":"ROUND_TRIPPER_RAFT_MESSAGE","remote-peer-id":"c726ac0957ae957c","rtt":"0s","error":"dial tcp 10.8.0.3:2380: connect: no route to host"}`,
			"nobody is at 10.8.0.3:2380",
		},
		"an image for another architecture": {"exec /usr/local/bin/etcd: exec format error", "its etcd is for machines of another architecture"},
		"the same, crun":                    {"exec container process `/usr/local/bin/etcd`: Exec format error", "its etcd is for machines of another architecture"},
		"an image of no Prometheus":         {`exec: "--config.file=/etc/prometheus/prometheus.yml": stat --config.file=/etc/prometheus/prometheus.yml: no such file or directory: unknown`, "its image is not one of Prometheus"},
		"a program without its loader":      {"exec /usr/local/bin/etcd: no such file or directory", "its image has no program /usr/local/bin/etcd"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d, _ := Diagnose(Evidence{Members: []Member{{Name: "etcd1", Status: Restarting, Log: []string{tt.line}}}})
			if !strings.Contains(d.Cause, tt.cause) || !d.Known {
				t.Errorf("got %+v, want the cause %q", d, tt.cause)
			}
		})
	}
}

// Podman as root, beside a Docker Engine, and not beside one.
func TestAFirewallWithinANetworkIsToldFromOneBeforeIt(t *testing.T) {
	line := `{"level":"warn","ts":"2026-11-30T22:53:37.1Z","msg":"prober detected unhealthy status","error":"dial tcp 10.236.139.12:2380: i/o timeout"}`
	for devices, want := range map[string]string{
		"podman+": "iptables -I FORWARD -i podman+ -m physdev --physdev-is-bridged -j ACCEPT && etcdctr up --name orders",
		"":        "",
	} {
		d, _ := Diagnose(Evidence{Flags: []string{"--name", "orders"}, Members: []Member{{Name: "etcd1", Status: Running, Filtered: devices, Log: []string{line}}}})
		if d.Command != want || !d.Known || !strings.HasPrefix(d.Cause, "nothing answers it at 10.236.139.12:2380") {
			t.Errorf("%q: got %+v, want the command %q", devices, d, want)
		}
	}
}

// What runc and crun say of limits that they may not raise.
func TestLimitsThatTheEngineMayNotRaiseAreNamed(t *testing.T) {
	for _, said := range []string{
		"runc: runc create failed: unable to start container process: error during container init: error setting rlimits for ready process: " +
			"error setting rlimit type 7: operation not permitted: OCI permission denied",
		"crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted: OCI permission denied",
	} {
		d, _ := Diagnose(Evidence{Members: []Member{{Name: "etcd1", Status: Created, EngineError: said}}})
		if !d.Known || !strings.Contains(d.Cause, "default_ulimits") || d.Command != "etcdctr up" {
			t.Errorf("%s: got %+v", said, d)
		}
	}
}

// A folder that is not there is made by nobody but its owner, who knows whether a disk is
// missing; that of certificates is made by a command.
func TestAFolderThatIsNotThereIsNotTakenForCertificates(t *testing.T) {
	for path, want := range map[string]Diagnosis{
		"/srv/orders/certs/members/etcd1": {Cause: "its certificates are not in /srv/orders/certs/members/etcd1", Command: "etcdctr certs create && etcdctr up"},
		"/srv/etcd1":                      {Cause: "the folder /srv/etcd1 that it is given is not there: bring it back", ByHand: hands[NoRemedy]},
	} {
		d, _ := Diagnose(Evidence{Members: []Member{{
			Name: "etcd1", Status: Created, EngineError: `invalid mount config for type "bind": bind source path does not exist: ` + path,
		}}})
		if !strings.HasPrefix(d.Cause, want.Cause) || d.Command != want.Command || d.ByHand != want.ByHand || !d.Known {
			t.Errorf("%s: got %+v, want %+v", path, d, want)
		}
	}
}

func TestASlowDiskIsToldFromALostQuorum(t *testing.T) {
	var slow []string
	for range manyPauses {
		slow = append(slow, `{"level":"warn","ts":"2026-11-28T17:20:45.295339Z","msg":"leader failed to send out heartbeat on time; took too long, leader is overloaded likely from slow disk"}`)
	}
	running := Member{Name: "etcd1", Status: Running, Answers: true, Log: slow}
	other := Member{Name: "etcd2", Status: Running, Answers: true}
	stopped := Member{Name: "etcd2", Status: Exited}
	for name, tt := range map[string]struct {
		members []Member
		want    string
	}{
		"reads fail while all run":   {[]Member{running, other}, "its disk is too slow"},
		"most of them do not run":    {[]Member{running, stopped}, "it was stopped"},
		"one of three is stopped":    {[]Member{running, {Name: "etcd3", Status: Running, Answers: true}, stopped}, "it was stopped"},
		"one of three is silent":     {[]Member{running, {Name: "etcd3", Status: Running, Answers: true}, {Name: "etcd2", Status: Running}}, ""},
		"fewer pauses are no matter": {[]Member{{Name: "etcd1", Status: Running, Answers: true, Serves: true, Log: slow[1:]}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := Diagnose(Evidence{Members: tt.members})
			if tt.want == "" && d.Cause != "" || !strings.HasPrefix(d.Cause, tt.want) {
				t.Errorf("got %q, want %q", d.Cause, tt.want)
			}
		})
	}
}

// A member that nobody starts has nothing to say, and whoever is missed in a line that is
// old and answers now is not missing.
func TestWhatIsSeenNowDisprovesALine(t *testing.T) {
	line := strings.Replace(unknownHost, `"level"`, `"ts":"2026-11-28T17:20:45Z","level"`, 1)
	now := time.Date(2026, 11, 28, 17, 20, 50, 0, time.UTC)
	well := Member{Name: "etcd2", Status: Running, Answers: true, Serves: true}
	held := "its node machine3 takes no tasks: its availability is drain"
	for name, tt := range map[string]struct {
		now  time.Time
		ill  Member
		want string
	}{
		"its node is drained":           {now, Member{Status: Restarting, Held: held, Log: []string{line}}, held},
		"it does not run":               {now, Member{Status: Failed, ExitCode: 137, Log: []string{line}}, "it ended with exit code 137"},
		"it has found it since":         {now.Add(time.Hour), Member{Status: Running, Log: []string{line}}, "it runs and answers nobody"},
		"it does not find it right now": {now, Member{Status: Running, Log: []string{line}}, "it does not find etcd2"},
		"it does not hang":              {now, Member{Status: Running, Silence: "remote error: tls: internal error"}, "it runs, and there is no TLS between it and who asks it"},
		"its machine is away":           {now, Member{Status: Away, Detail: "no route"}, "its machine does not answer: no route"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.ill.Name = "etcd1"
			d, _ := Diagnose(Evidence{Now: tt.now, Members: []Member{tt.ill, well, {Name: "etcd3", Status: Running, Answers: true, Serves: true}}})
			if d.Member != "etcd1" || !strings.HasPrefix(d.Cause, tt.want) || d.Hint() == hands[NoRemedy] {
				t.Errorf("got %q of %s, to be put right by %q, want %q", d.Cause, d.Member, d.Hint(), tt.want)
			}
		})
	}
}

// A member that was stopped explains why nobody answers where it was; where all run, it is
// what lies between them.
func TestAFirewallIsNamedWhereNobodyIsStopped(t *testing.T) {
	line := `{"level":"warn","ts":"2026-11-28T17:20:45Z","msg":"prober detected unhealthy status","error":"dial tcp 10.0.0.2:2380: i/o timeout"}`
	now := time.Date(2026, 11, 28, 17, 20, 50, 0, time.UTC)
	cut := Member{Name: "etcd1", Status: Running, Answers: true, Log: []string{line}}
	for name, tt := range map[string]struct {
		other Member
		now   time.Time
		want  string
	}{
		"its peer runs and answers": {Member{Status: Running, Answers: true}, now, "nothing answers it at 10.0.0.2:2380: a firewall"},
		"its peer was stopped":      {Member{Status: Exited}, now, "it was stopped"},
		"it is over":                {Member{Status: Running, Answers: true}, now.Add(time.Hour), ""},
	} {
		t.Run(name, func(t *testing.T) {
			tt.other.Name, tt.other.PeerURL = "etcd2", "http://10.0.0.2:2380"
			d, _ := Diagnose(Evidence{Now: tt.now, Members: []Member{cut, tt.other}})
			if !strings.HasPrefix(d.Cause, tt.want) || (d.Cause == "") != (tt.want == "") {
				t.Errorf("got %q of %s, want %q", d.Cause, d.Member, tt.want)
			}
		})
	}
}

func TestOnlyTheCurrentStartCounts(t *testing.T) {
	start := `{"level":"info","msg":"Running: ","args":["etcd"]}`
	log := []string{start, wrongKey, start, unknownHost}
	if got := CurrentStart(log, false); len(got) != 2 || got[1] != unknownHost {
		t.Errorf("of a member that goes on: %q", got)
	}
	if got := CurrentStart(log, true); len(got) != 4 {
		t.Errorf("of one that fails again and again: %q", got)
	}
}

func TestAPathIsNotFilledIn(t *testing.T) {
	e := Evidence{Flags: []string{"--file", "/DISK/CERTS/WANTED.yaml"}, Disk: "df -h /FLAGS"}
	for kind, want := range map[Kind]string{Up: "etcdctr up --file /DISK/CERTS/WANTED.yaml", LookAtDisk: "df -h /FLAGS"} {
		if got := e.command(Remedy{Kind: kind}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
