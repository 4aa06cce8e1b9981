package etcdctr

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/health/doctor"
	"github.com/etcdctr/etcdctr/runtime"
)

// mute is a runtime whose servers' logs can't be had.
type mute struct {
	runtime.Runtime
	err error
}

func (m mute) Logs(context.Context, string, runtime.LogOptions, func(runtime.Line)) error {
	return m.err
}

func TestTheDoctorDoesWithoutLogsThatAreElsewhere(t *testing.T) {
	for _, err := range []error{fmt.Errorf("the logs: %w", runtime.ErrElsewhere), &runtime.AwayError{Server: "etcd1"}} {
		p := &patient{Cluster: &Cluster{runtime: mute{err: err}}}
		if _, got := p.lastLines(t.Context(), "etcd1"); got != nil {
			t.Errorf("it gives up: %v", got)
		}
	}
}

// In the second after members were killed nothing has failed yet but that they do not
// answer; start waits for them, where all have their data.
func TestTheDoctorWaitsForMembersThatAreStartedAgain(t *testing.T) {
	ended := `{"level":"info","msg":"ready to serve client requests"}`
	killed := doctor.Member{Name: "etcd2", Status: doctor.Restarting, Data: doctor.DataKept, Log: []string{ended}}
	running := doctor.Member{Name: "etcd1", Status: doctor.Running, Answers: true, Data: doctor.DataKept}
	for name, tt := range map[string]struct {
		members []doctor.Member
		command string
		looks   bool
	}{
		"one is started again": {[]doctor.Member{running, killed}, "etcdctr start", false},
		"all run":              {[]doctor.Member{running}, "etcdctr health", true},
	} {
		t.Run(name, func(t *testing.T) {
			p := &patient{Cluster: &Cluster{spec: cluster.Spec{}}, want: &cluster.Cluster{}}
			d := p.conclude(doctor.Evidence{Members: tt.members}, health.Report{Failures: []string{"etcd2: does not answer"}})
			if d.Command != tt.command || d.Looks != tt.looks {
				t.Errorf("got %+v, want %q", d, tt.command)
			}
		})
	}
}

// Etcd reads its certificate at every handshake: the log of a member whose key was taken away
// has only what it has said of others, who were away when it started.
func TestTheDoctorLooksAtTheFilesBeforeItBelievesSymptoms(t *testing.T) {
	want, err := cluster.Resolve(cluster.Spec{}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	p := &patient{Cluster: &Cluster{o: Options{CertsDir: t.TempDir(), Now: time.Now, Random: rand.Reader}}, want: want}
	if _, err := p.PKI().Ensure(t.Context(), CertsPlan(want)); err != nil {
		t.Fatal(err)
	}
	server := certs.MemberDir(p.CertsDir(), "etcd3", certs.Server)
	silence := health.Report{Failures: []string{"etcd3: does not answer"}, Members: []health.MemberReport{
		{Name: "etcd1", ReadMillis: 1}, {Name: "etcd2", ReadMillis: 1}, {Name: "etcd3", Error: "remote error: tls: internal error"},
	}}
	e := doctor.Evidence{Members: []doctor.Member{
		{Name: "etcd1", Status: doctor.Running},
		{Name: "etcd2", Status: doctor.Running},
		{Name: "etcd3", Status: doctor.Running, Log: []string{`{"level":"warn","msg":"prober detected unhealthy status","error":"dial tcp 172.26.0.4:2380: connect: connection refused"}`}},
	}}
	gone := doctor.Evidence{Members: slices.Clone(e.Members)}
	gone.Members[2].Looked = true
	gone.Members[2].Log = []string{`{"level":"warn","msg":"prober detected unhealthy status","error":"open /etc/etcd/peer/tls.crt: no such file or directory"}`}
	if d := p.conclude(gone, silence); strings.Contains(d.Cause, "tls.crt") || d.Command == "etcdctr certs create" {
		t.Errorf("of a file that was missing, and is there, it says %+v", d)
	}
	for _, file := range []string{certs.KeyFile, certs.CertFile} {
		t.Run(file, func(t *testing.T) {
			if err := os.Rename(filepath.Join(server, file), filepath.Join(server, file+".away")); err != nil {
				t.Fatal(err)
			}
			p.readers = []string{"etcd1", "etcd2", "etcd3"}
			if d := p.conclude(e, silence); !strings.Contains(d.Cause, "members/etcd3/server") || d.Command != "etcdctr certs create" {
				t.Errorf("it says %+v", d)
			}
			if d := p.conclude(gone, silence); !strings.Contains(d.Cause, "members/etcd3/server") || d.Command != "etcdctr certs create" {
				t.Errorf("after another file was missing it says %+v", d)
			}
			p.readers = nil // they have copies
			if d := p.conclude(e, silence); !strings.Contains(d.Cause, "172.26.0.4") {
				t.Errorf("of a member that has a copy of it it says %+v", d)
			}
			if err := os.Rename(filepath.Join(server, file+".away"), filepath.Join(server, file)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// Links that stand need no file, and the next start does.
func TestFilesAreToldOfThatMembersWillNotStartWith(t *testing.T) {
	want, err := cluster.Resolve(cluster.Spec{}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{o: Options{CertsDir: t.TempDir(), Now: time.Now, Random: rand.Reader}, runtime: named{}}
	if _, err := c.PKI().Ensure(t.Context(), CertsPlan(want)); err != nil {
		t.Fatal(err)
	}
	have := &runtime.State{}
	for _, name := range []string{"etcd1", "etcd2"} {
		have.Servers = append(have.Servers, runtime.Server{Name: name, Role: runtime.Member, Status: runtime.Running})
	}
	have.Servers = append(have.Servers, runtime.Server{Name: "etcd3", Role: runtime.Member, Status: runtime.Running, Host: "10.0.0.3"}) // where it has copies
	if said := c.judgeFiles(t.Context(), want, have); said != nil {
		t.Errorf("of files that are whole it says %q", said)
	}
	for _, member := range []string{"etcd2", "etcd3"} {
		for file, problem := range map[string]string{certs.KeyFile: "tls.key is missing", certs.CertFile: "tls.crt is missing", certs.CAFile: "ca.crt is missing", "": "is missing"} {
			at := filepath.Join(certs.MemberDir(c.CertsDir(), member, certs.Peer), file)
			if err := os.Rename(at, at+".away"); err != nil {
				t.Fatal(err)
			}
			said := c.judgeFiles(t.Context(), want, have)
			if told := len(said) == 1 && strings.HasPrefix(said[0], "members/etcd2/peer: "+problem+", and etcd2 will not start") && strings.Contains(said[0], "`etcdctr certs create`"); told != (member == "etcd2") {
				t.Errorf("without %s it says %q", at, said)
			}
			if err := os.Rename(at+".away", at); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestOnlyAStartThatFailsHasOneBefore(t *testing.T) {
	now := time.Now()
	p := &patient{Cluster: &Cluster{o: Options{Now: func() time.Time { return now }}}}
	for _, tt := range []struct {
		server runtime.Server
		fails  bool
	}{
		{runtime.Server{Status: runtime.Restarting}, true},
		{runtime.Server{Status: runtime.Running, Since: now.Add(-time.Second), Restarts: 3}, true},
		{runtime.Server{Status: runtime.Running, Since: now.Add(-time.Hour), Restarts: 3}, false},
		{runtime.Server{Status: runtime.Running, Since: now.Add(-time.Second)}, false},
	} {
		if got := p.fails(tt.server); got != tt.fails {
			t.Errorf("%+v: %v", tt.server, got)
		}
	}
}

// Where no log can be had, health tells no more than the doctor has seen.
func TestTheDoctorTellsWhoIsMissingToAQuorum(t *testing.T) {
	p := &patient{Cluster: &Cluster{spec: cluster.Spec{}}, want: &cluster.Cluster{}}
	d := p.conclude(doctor.Evidence{}, health.Report{Failures: []string{"etcd1: has no leader"}, Members: []health.MemberReport{
		{Name: "etcd1"}, {Name: "etcd2", Error: "i/o timeout"}, {Name: "etcd3", Error: "i/o timeout"},
	}})
	if d.Command != "" || !strings.Contains(d.ByHand, "a quorum takes 2 of 3 members, and nobody answers for etcd2, etcd3") {
		t.Errorf("it says %+v", d)
	}
}

func TestTheDoctorHasWhatIsLeftOfMembersTakenAway(t *testing.T) {
	p := &patient{Cluster: &Cluster{spec: cluster.Spec{}}, want: &cluster.Cluster{}, Examination: Examination{Wanted: []string{"-f", "orders.yaml"}}}
	d := p.conclude(p.evidence(), health.Report{Failures: []string{"etcd3@192.0.2.3: is no member any more"}, Members: []health.MemberReport{
		{Name: "etcd1", ReadMillis: 1}, {Name: "etcd3@192.0.2.3", Error: "no route to host", Left: true},
	}})
	if d.Member != "etcd3@192.0.2.3" || d.Command != "etcdctr up -f orders.yaml" || d.Looks {
		t.Errorf("it says %+v", d)
	}
}

// What the logs of healthy members tell is warned of beside what health says.
func TestTheDoctorWarnsOfWhatHealthAndTheLogsTell(t *testing.T) {
	now := time.Now()
	slow := fmt.Sprintf(`{"level":"warn","ts":%q,"msg":"slow fdatasync"}`, now.UTC().Format("2006-01-02T15:04:05.999999Z0700"))
	e := doctor.Evidence{Now: now, Members: []doctor.Member{{Name: "etcd1", Status: doctor.Running, Log: slices.Repeat([]string{slow}, 6)}}}
	p := &patient{Cluster: &Cluster{spec: cluster.Spec{}}, want: &cluster.Cluster{}}
	d := p.conclude(e, health.Report{Healthy: true, Warnings: []string{"etcd1: ends soon"}, Members: []health.MemberReport{{Name: "etcd1", ReadMillis: 1}}})
	if !d.Healthy || len(d.Warnings) != 2 || d.Warnings[0] != "etcd1: ends soon" || !strings.Contains(d.Warnings[1], "its disk is too slow") {
		t.Errorf("it says %+v", d)
	}
}

// Where members were left out of the description before they had been taken out of the
// cluster, the rest has no quorum, and waits for those that nobody starts.
func TestMembersThatWereLeftOutBeforeTheyWereTakenOutAreMissed(t *testing.T) {
	want, err := cluster.Resolve(cluster.Spec{Members: cluster.Count(1), TLS: "none"}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	member := func(name string, status runtime.Status) runtime.Server {
		return runtime.Server{Name: name, Role: runtime.Member, Status: status, DataAt: "etcd_" + name}
	}
	one, two := member("etcd1", runtime.Running), member("etcd2", runtime.Absent)
	serves := health.Report{Members: []health.MemberReport{{Name: "etcd1", ReadMillis: 1}}}
	for what, test := range map[string]struct {
		have   []runtime.Server
		report health.Report
		few    bool
	}{
		"half of them":            {have: []runtime.Server{one, two}, few: true},
		"a third":                 {have: []runtime.Server{one, two, member("etcd3", runtime.Absent)}, few: true},
		"all":                     {have: []runtime.Server{one}},
		"what serves":             {have: []runtime.Server{one, two}, report: serves},
		"one that runs":           {have: []runtime.Server{one, member("etcd2", runtime.Running)}},
		"one without data":        {have: []runtime.Server{one, {Name: "etcd2", Role: runtime.Member, Status: runtime.Absent}}},
		"a service that has some": {have: []runtime.Server{one, {Name: "prometheus", Role: runtime.Service, Status: runtime.Absent, DataAt: "p"}}},
	} {
		p := &patient{Cluster: &Cluster{}, want: want, have: &runtime.State{Servers: test.have}}
		d, few := p.fewer(test.report)
		if few != test.few || few && !strings.Contains(d.ByHand, fmt.Sprintf("`members: %d`", len(test.have))) {
			t.Errorf("%s: %t, %+v", what, few, d)
		}
	}
}
