package member_test

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/member"
)

func TestNewReportsEveryMistakeAtOnce(t *testing.T) {
	tests := map[string]struct {
		config member.Config
		want   []string // parts of the error; none if there is none
	}{
		"nobody":     {member.Config{}, []string{"no member to ask"}},
		"good":       {member.Config{URLs: map[string]string{"a": "http://a:2379"}}, nil},
		"both kinds": {member.Config{URLs: map[string]string{"a": "http://a:2379", "b": "https://b:2379"}, TLS: &tls.Config{MinVersion: tls.VersionTLS12}}, nil},
		"bad": {
			member.Config{URLs: map[string]string{"a": "a:2379", "b": "ftp://b:2379", "c": "https://c:2379", "d": "http://"}},
			[]string{`"a:2379" of a`, `"ftp://b:2379" of b`, `"https://c:2379" of c: https needs certificates`, `"http://" of d`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client, err := member.New(test.config)
			if (err == nil) != (len(test.want) == 0) {
				t.Fatalf("error %v, want %q", err, test.want)
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not hold %q", err, part)
				}
			}
			if err == nil {
				_ = client.Close() // nothing was opened
			}
		})
	}
}

// The patience here is longer than the test may take.
func TestChangesDoNotWaitForAMemberThatNeverAnswers(t *testing.T) {
	c := etcd{minor: cluster.NewestMinor}.newCluster(t, "etcd1")
	c.start(t)
	serving(t, c.client(t, member.Patience{}))
	mute := func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == "mute:2379" {
			here, there := net.Pipe()
			t.Cleanup(func() { there.Close() })
			return here, nil
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	client, err := member.New(member.Config{
		URLs: map[string]string{"etcd1": c.clients["etcd1"], "mute": "http://mute:2379"},
		Dial: mute, Patience: member.Patience{Question: time.Hour},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	added, err := client.AddLearner(t.Context(), "http://127.0.0.1:1")
	if err == nil {
		err = client.Remove(t.Context(), added.ID)
	}
	if err != nil {
		t.Error(err)
	}
}

// A connection that is made anew is made with the files that there are by then.
func TestAClientOutlivesAnotherAuthority(t *testing.T) {
	old, next := newAuthority(t), newAuthority(t)
	c := etcd{minor: cluster.NewestMinor}.newCluster(t)
	c.tls, c.flags = old.client(t, "root"), old.serverFlags(t)
	c.place(t, "etcd1")
	c.start(t)
	now := c.tls
	client, err := member.New(member.Config{URLs: c.clients, TLS: c.tls, Renew: func() (*tls.Config, error) { return now, nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	stays := c.client(t, short)
	serving(t, client)
	serving(t, stays)
	c.stop("etcd1")
	now, c.flags = next.client(t, "root"), next.serverFlags(t)
	c.start(t, "etcd1")
	serving(t, client)
	if v := look(t, client); !v.Steady() {
		t.Errorf("by the files that there are now it is not steady: %v", v.Unsteady())
	}
	wantTrouble(t, stays, member.Untrusted)
}
