package local

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

func TestMembersThatAreNotWhereTheyAreLookedForSayWhereTheyAre(t *testing.T) {
	for _, clientPort := range []string{"", cluster.AutoPort} {
		t.Run("client-port: "+clientPort, func(t *testing.T) {
			spec := cluster.Spec{Members: cluster.Members{Count: 1}, TLS: "none", Etcd: "3.7.3", ClientPort: clientPort}
			usual, err := cluster.Resolve(spec, cluster.UnderSupervision("home", "certs"))
			if err != nil {
				t.Fatal(err)
			}
			address := "127.0.0.1:0"
			if clientPort == cluster.AutoPort { // which is by the cluster's name alone
				address = strings.TrimPrefix(usual.Members[0].ClientURL(), "http://")
			}
			l, err := net.Listen("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			var told []string
			r := New(Options{
				Folder: t.TempDir(), Carried: &Program{Path: "etcd", Version: usual.Etcd},
				Further: l.Addr().(*net.TCPAddr).Port - usual.Members[0].Place.ClientPort,
				Events:  func(e runtime.Event) { told = append(told, e.Detail) },
			})
			want, err := r.Place(context.Background(), spec)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.tellMoved(want); err != nil {
				t.Fatal(err)
			}
			if len(told) != 1 || !strings.HasSuffix(told[0], ": etcd1 is at "+strings.TrimPrefix(want.Members[0].ClientURL(), "http://")) {
				t.Errorf("beside %s it says %q", l.Addr(), told)
			}
		})
	}
}
