package discovery_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"go.uber.org/zap"

	"github.com/etcdctr/etcdctr/discovery"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

func TestMain(m *testing.M) {
	if etcdtest.CalledAsEtcd() {
		etcdmain.Main(os.Args)
		return
	}
	os.Exit(m.Run())
}

// serve runs an etcd as discovery service and gives its endpoint.
func serve(t *testing.T, scheme string, flags ...string) string {
	t.Helper()
	client, peer := scheme+"://"+freeAddress(t), "http://"+freeAddress(t)
	etcdtest.Start(t, nil, append([]string{
		"--name=discovery", "--data-dir=" + filepath.Join(t.TempDir(), "data"), "--log-level=error",
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=discovery=" + peer,
	}, flags...)...)
	address := strings.TrimPrefix(client, scheme+"://")
	for {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			return client
		}
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func connect(t *testing.T, o discovery.Options) *discovery.Service {
	t.Helper()
	s, err := discovery.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

const token = "3f1c0e9b7a8d4c2f9e6b5a4d3c2b1a09"

// cluster gives the registrations of a cluster of n.
func cluster(n int) []discovery.Member {
	var list []discovery.Member
	for i := range n {
		name := fmt.Sprintf("etcd%d", i+1)
		list = append(list, discovery.NewMember(name, []string{"http://" + name + ":2380"}, token))
	}
	return list
}

func TestATokenFromItsRegistrationToItsEnd(t *testing.T) {
	ctx := t.Context()
	s := connect(t, discovery.Options{Endpoints: []string{serve(t, "http")}})
	wantError(t, s.Check(ctx, token, cluster(3)), discovery.ErrUnknownToken)

	want(t, s.Register(ctx, token, 3))
	wantError(t, s.Register(ctx, token, 3), discovery.ErrTokenExists)
	status, err := s.Status(ctx, token)
	want(t, err)
	if diff := cmp.Diff(discovery.Status{Token: token, Size: 3, Members: []discovery.Member{}}, status); diff != "" {
		t.Error(diff)
	}

	want(t, s.Check(ctx, token, cluster(3)))
	wantError(t, s.Check(ctx, token, cluster(4)), discovery.ErrWrongSize)
	wantError(t, s.Check(ctx, token, cluster(2)), discovery.ErrWrongSize)

	want(t, s.Join(ctx, token, cluster(3)))
	want(t, s.Join(ctx, token, cluster(3))) // again
	status, err = s.Status(ctx, token)
	want(t, err)
	if status.Missing() != 0 || len(status.Members) != 3 {
		t.Errorf("after all have joined: %+v", status)
	}
	stranger := []discovery.Member{discovery.NewMember("other", []string{"http://other:2380"}, token)}
	wantError(t, s.Check(ctx, token, stranger), discovery.ErrUsedToken)
	wantError(t, s.Join(ctx, token, stranger), discovery.ErrUsedToken)

	want(t, s.Remove(ctx, token))
	wantError(t, s.Remove(ctx, token), discovery.ErrUnknownToken)
	_, err = s.Status(ctx, token)
	wantError(t, err, discovery.ErrUnknownToken)
}

func TestAClosedTokenTakesNobodyAndIsNoObstacleToItsOwnCluster(t *testing.T) {
	ctx := t.Context()
	endpoint := serve(t, "http")
	s := connect(t, discovery.Options{Endpoints: []string{endpoint}})
	want(t, s.Register(ctx, token, 3))
	want(t, s.Join(ctx, token, cluster(3)))
	etcd := client(t, endpoint)
	_, err := etcd.Delete(ctx, "/_etcd/registry/"+token+"/_config/size")
	want(t, err)

	want(t, s.Check(ctx, token, cluster(3)))
	wantError(t, s.Check(ctx, token, cluster(4)), discovery.ErrClosedToken)
}

func TestASizeThatIsNoNumberIsAnError(t *testing.T) {
	endpoint := serve(t, "http")
	s := connect(t, discovery.Options{Endpoints: []string{endpoint}})
	_, err := client(t, endpoint).Put(t.Context(), "/_etcd/registry/"+token+"/_config/size", "three")
	want(t, err)
	_, err = s.Status(t.Context(), token)
	wantMessage(t, err, `its size is "three"`)
}

func TestAPasswordIsAskedForAndPermissionsAreEnough(t *testing.T) {
	ctx := t.Context()
	endpoint := serve(t, "http")
	etcd := client(t, endpoint)
	steps := []func() error{
		func() error { _, err := etcd.RoleAdd(ctx, "registry"); return err },
		func() error {
			prefix := "/_etcd/registry/"
			_, err := etcd.RoleGrantPermission(ctx, "registry", prefix, clientv3.GetPrefixRangeEnd(prefix), clientv3.PermissionType(clientv3.PermReadWrite))
			return err
		},
		func() error { _, err := etcd.UserAdd(ctx, "orders", "right"); return err },
		func() error { _, err := etcd.UserGrantRole(ctx, "orders", "registry"); return err },
		func() error { _, err := etcd.UserAdd(ctx, "root", "root"); return err },
		func() error { _, err := etcd.UserGrantRole(ctx, "root", "root"); return err },
		func() error { _, err := etcd.AuthEnable(ctx); return err },
	}
	for _, step := range steps {
		want(t, step())
	}
	s := connect(t, discovery.Options{Endpoints: []string{endpoint}, User: "orders", Password: "right"})
	want(t, s.Register(ctx, token, 3))
	want(t, s.Join(ctx, token, cluster(3)))

	_, err := discovery.New(ctx, discovery.Options{Endpoints: []string{endpoint}, User: "orders", Password: "wrong"})
	wantMessage(t, err, "does not take this user with this password")
	if strings.Contains(err.Error(), "wrong") {
		t.Errorf("the password is in the error: %v", err)
	}
	nobody := connect(t, discovery.Options{Endpoints: []string{endpoint}})
	_, err = nobody.Status(ctx, token)
	wantMessage(t, err, "wants somebody who may read and write below /_etcd/registry/")
}

func TestAServiceThatCannotBeUsedIsNamedWithItsReason(t *testing.T) {
	plain := serve(t, "http")
	secure := serve(t, "https", "--auto-tls")
	nowhere := freeAddress(t)
	for name, tt := range map[string]struct{ endpoint, want string }{
		"nobody there":      {"http://" + nowhere, "no discovery service answers at http://" + nowhere},
		"TLS to plain text": {"https" + strings.TrimPrefix(plain, "http"), "seems to speak plain text: write http"},
		"plain text to TLS": {"http" + strings.TrimPrefix(secure, "https"), "speaks TLS: write https"},
		"unverifiable":      {secure, "cannot agree on TLS"},
		"no URL":            {"discovery", "is not the URL of a discovery service"},
	} {
		_, err := discovery.New(t.Context(), discovery.Options{Endpoints: []string{tt.endpoint}})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q in it", name, err, tt.want)
		}
	}
}

func TestEtcdComputesTheSameMemberID(t *testing.T) {
	// As etcd 3.7.3 registered it.
	got := discovery.NewMember("etcd1", []string{"http://etcd1:2380"}, "abc")
	if want := "684519f4e6f259b5"; got.ID != want {
		t.Errorf("got %s, want %s", got.ID, want)
	}
}

func client(t *testing.T, endpoint string) *clientv3.Client {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func want(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, err, wanted error) {
	t.Helper()
	if !errors.Is(err, wanted) {
		t.Errorf("got %v, want %v", err, wanted)
	}
}

func wantMessage(t *testing.T, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Fatalf("got %v, want %q in it", err, part)
	}
}
