package doctor_test

import (
	"flag"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/server/v3/etcdmain"

	"github.com/etcdctr/etcdctr/health/doctor"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

func TestMain(m *testing.M) {
	if etcdtest.CalledAsEtcd() {
		etcdmain.Main(os.Args)
		return
	}
	flag.StringVar(&etcdtest.Program, "etcd", "", "the `program` that members are, in place of the one here")
	flag.Parse()
	os.Exit(m.Run())
}

// situation is something that is wrong with a member.
type situation struct {
	// provoke gives the process whose log is to be read.
	provoke func(t *testing.T) *etcdtest.Process
	cause   string // a pattern
	command string // a pattern
}

func situations() map[string]situation {
	return map[string]situation{
		"its own name is not in the initial cluster": {
			provoke: with("--initial-cluster=b=http://127.0.0.1:12380"),
			cause:   `its name "a" is not in initial-cluster`, command: `^etcdctr up$`,
		},
		"its URL in the initial cluster is not the one that it advertises": {
			provoke: with("--initial-cluster=a=http://127.0.0.1:12380"),
			cause:   `initial-cluster has it at a=http://127.0.0.1:12380, where it does not advertise itself`, command: `^etcdctr up$`,
		},
		"one of the URLs that it advertises is not in the initial cluster": {
			provoke: with("--initial-advertise-peer-urls={peer},http://127.0.0.1:12381"),
			cause:   `it advertises itself at http://127.0.0.1:12381, where initial-cluster does not have it`, command: `^etcdctr up$`,
		},
		"it is to listen on a name": {
			provoke: with("--listen-peer-urls=http://etcd1:2380"),
			cause:   `it is to listen on http://etcd1:2380`, command: `^etcdctr up$`,
		},
		"it listens explicitly and advertises nothing": {
			provoke: func(t *testing.T) *etcdtest.Process {
				t.Helper()
				m := newPlace(t, "http", "a")
				return ended(t, etcdtest.Start(t, nil, "--listen-client-urls="+m.client, "--listen-peer-urls="+m.peer))
			},
			cause: `listen-client-urls is set without advertise-client-urls`, command: `^etcdctr up$`,
		},
		"two members at one URL": {
			provoke: with("--initial-cluster=a={peer},b={peer}"),
			cause:   `initial-cluster has two members at the same URL`, command: `^etcdctr up$`,
		},
		"a setting as variable and as flag": {
			provoke: func(t *testing.T) *etcdtest.Process {
				t.Helper()
				return ended(t, etcdtest.Start(t, []string{"ETCD_NAME=a"}, "--name=a"))
			},
			cause: `ETCD_NAME is given as a variable and as a flag too`, command: `^etcdctr up$`,
		},
		"a flag that this etcd does not know": {
			provoke: with("--no-such-flag"),
			cause:   `its etcd does not know the flag -no-such-flag`, command: `^etcdctr up$`,
		},
		"its port is taken": {
			provoke: func(t *testing.T) *etcdtest.Process {
				t.Helper()
				m := newPlace(t, "http", "a")
				l, err := net.Listen("tcp", strings.TrimPrefix(m.peer, "http://"))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { l.Close() })
				return ended(t, etcdtest.Start(t, nil, m.flags([]place{m})...))
			},
			cause: `something else listens on 127.0.0.1:\d+`, command: `^ss -ltnp sport = :\d+$`,
		},
		"its data directory is another user's":         {provoke: withForeignData, cause: `it may not write to its data directory`, command: `^$`},
		"its key is another certificate's":             {provoke: withWrongKey, cause: `its certificate and its key don't belong together`, command: `^etcdctr certs create`},
		"its certificates are somebody else's":         {provoke: withUnreadableCertificates, cause: `it may not read \S+/tls.crt`, command: `^etcdctr certs create`},
		"its certificates are not there":               {provoke: withoutCertificates, cause: `it does not find \S+/tls.crt`, command: `^etcdctr certs create`},
		"a peer's certificate is of another authority": {provoke: withForeignAuthority, cause: `a certificate is of an authority that is not trusted`, command: `^etcdctr certs create`},
		"a peer's certificate has expired":             {provoke: withExpiredPeer, cause: `a certificate has expired`, command: `^etcdctr certs renew`},
		"a peer's certificate is for another host":     {provoke: withMisnamedPeer, cause: `a certificate is for 127.0.0.1, ::1 and not for 127.0.0.2`, command: `^etcdctr certs create`},
		"a peer's certificate is for clients alone":    {provoke: withClientAsPeer, cause: `a certificate may not be used for what it is used for`, command: `^etcdctr certs create`},
		"its data is of members without TLS":           {provoke: withDataOf("http", "https"), cause: `the data is of a cluster without TLS`, command: `^etcdctr down && etcdctr up --tls none$`},
		"its data is of members with TLS":              {provoke: withDataOf("https", "http"), cause: `the data is of a cluster with TLS`, command: `^etcdctr down && etcdctr up --tls mutual$`},

		"its write-ahead log is damaged":        {provoke: withDamage(flipped), cause: `its write-ahead log is damaged`, command: `^$`},
		"its write-ahead log is gone":           {provoke: withoutLog, cause: `its write-ahead log is gone and its database is there`, command: `^$`},
		"its database is none":                  {provoke: withDamage(overwritten), cause: `its database is damaged`, command: `^$`},
		"its key of auto-TLS is empty":          {provoke: withEmptyKey, cause: `a certificate or key file is empty`, command: `^etcdctr certs create`},
		"its log is to be where it can't write": {provoke: withLogElsewhere, cause: `it can't write its log to /proc/etcd.log`, command: `^etcdctr up$`},

		"its data is gone and the others remember it": {provoke: wiped("new"), cause: `its data is gone, and the others still know it as member [0-9a-f]+`, command: `^etcdctr (logs|up|start)`},
		"its data is gone and it says that it joins":  {provoke: wiped("existing"), cause: `it has lost data that it had confirmed`, command: `^etcdctr (logs|up|start)`},
		"it joins with another number of members":     {provoke: notAdded, cause: `another number of members`, command: `^etcdctr up$`},
		"it joins from another address":               {provoke: elsewhere, cause: `members at other URLs`, command: `^etcdctr up$`},
		"it is of another cluster than its peers":     {provoke: ofAnotherCluster, cause: `it is a member of another cluster than its peers`, command: `^$`},
		"it was removed": {provoke: removed, cause: `it was removed from the cluster`, command: `^$`},

		"its discovery token was never made":       {provoke: discovering(nil), cause: `its discovery token was never made`, command: `^etcdctr discovery new$`},
		"its discovery token holds no number":      {provoke: discovering(map[string]string{"_config/size": "many"}), cause: `its discovery token does not hold a number`, command: `^etcdctr discovery new$`},
		"its discovery token has enough members":   {provoke: discovering(map[string]string{"_config/size": "1", "members/1": "a=http://127.0.0.1:1"}), cause: `its discovery token has as many members as it was made for`, command: `^etcdctr discovery new$`},
		"the peers that it looks for do not exist": {provoke: alone("http://no-such-host.invalid:2380"), cause: `it does not find no-such-host.invalid`, command: `^etcdctr logs etcd1$`},
		"the peers that it looks for do not run":   {provoke: alone("http://127.0.0.1:1"), cause: `nobody listens on 127.0.0.1:1`, command: `^etcdctr logs etcd1$`},
	}
}

// Every text is provoked from a real etcd.
func TestWhatEtcdSaysIsRecognised(t *testing.T) {
	said := &texts{}
	if *record != "" {
		t.Cleanup(func() {
			if err := said.write(*record); err != nil {
				t.Error(err)
			}
		})
	}
	for name, tt := range situations() {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of the time etcd waits for itself
			p := tt.provoke(t)
			if *record != "" && strings.Contains(p.Log(), "flag provided but not defined: -discovery") {
				said.note(name, missing, "")
				return
			}
			d := diagnose(t, p, tt.cause)
			said.note(name, d.Evidence, d.Cause)
			if !regexp.MustCompile(tt.command).MatchString(d.Command) {
				t.Errorf("command %q does not match %s", d.Command, tt.command)
			}
			if d.Evidence == "" {
				t.Error("there is no evidence")
			}
		})
	}
}

// `etcdctr verify` leaves such lines with every member.
func TestAStrangerWhoIsTurnedAwayIsNoCause(t *testing.T) {
	p := asServerOfStrangers(t)
	await(t, p, "rejected connection")
	d, found := doctor.Diagnose(doctor.Evidence{Members: []doctor.Member{{
		Name: "etcd1", Status: doctor.Running, Log: strings.Split(p.Log(), "\n"),
	}}})
	if found {
		t.Errorf("got %+v", d)
	}
}

// diagnose reads the log of a process until the diagnosis is the wanted one.
func diagnose(t *testing.T, p *etcdtest.Process, cause string) doctor.Diagnosis {
	t.Helper()
	pattern := regexp.MustCompile(cause)
	var d doctor.Diagnosis
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		d, _ = doctor.Diagnose(doctor.Evidence{Members: []doctor.Member{{
			Name: "etcd1", Status: doctor.Running, Log: strings.Split(p.Log(), "\n"),
		}}})
		if pattern.MatchString(d.Cause) {
			return d
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("cause %q does not match %s; the log:\n%s", d.Cause, cause, p.Log())
	return d
}
