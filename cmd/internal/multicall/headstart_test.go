package multicall

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
)

func TestTheInitialClusterIsReadInItsOrder(t *testing.T) {
	const three = "a=https://a:2380,b=https://b:2380,c=https://c:2380"
	for what, test := range map[string]struct {
		cluster, name string
		n, own        int
	}{
		"first":           {three, "a", 3, 0},
		"last":            {three, "c", 3, 2},
		"not among them":  {three, "d", 3, -1},
		"no cluster":      {"", "a", 0, -1},
		"not understood":  {"a,b=,c=://", "a", 0, -1},
		"one is left out": {"a=https://a:2380,b", "a", 1, 0},
	} {
		urls, own := initialPeers(test.cluster, test.name)
		if len(urls) != test.n || own != test.own {
			t.Errorf("%s: %d peers, own %d; want %d and %d", what, len(urls), own, test.n, test.own)
		}
	}
}

// Those that would wait in vain return: their peers are at an address that
// nobody may use.
func TestOnlyAFirstStartAmongOthersWaits(t *testing.T) {
	started := t.TempDir()
	if err := os.Mkdir(filepath.Join(started, "member"), 0o700); err != nil {
		t.Fatal(err)
	}
	const two = "a=http://192.0.2.1:2380,b=http://192.0.2.2:2380"
	for what, env := range map[string]map[string]string{
		"alone":          {"ETCD_INITIAL_CLUSTER": "a=http://192.0.2.1:2380", "ETCD_NAME": "a", "ETCD_INITIAL_CLUSTER_STATE": "new"},
		"not among them": {"ETCD_INITIAL_CLUSTER": two, "ETCD_NAME": "c", "ETCD_INITIAL_CLUSTER_STATE": "new"},
		"joining":        {"ETCD_INITIAL_CLUSTER": two, "ETCD_NAME": "a", "ETCD_INITIAL_CLUSTER_STATE": "existing"},
		"started before": {"ETCD_INITIAL_CLUSTER": two, "ETCD_NAME": "a", "ETCD_INITIAL_CLUSTER_STATE": "new", "ETCD_DATA_DIR": started},
	} {
		t.Run(what, func(t *testing.T) {
			asked := map[string]bool{}
			waitForPeers(func(name string) string { asked[name] = true; return env[name] })
			if asked["ETCD_PEER_CERT_FILE"] {
				t.Error("it asks its peers")
			}
		})
	}
}

func TestPeersWithoutAnAddressAreWaitedForWhileTheResolverLooks(t *testing.T) {
	if !isRefusal(&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "etcd2", IsNotFound: true}}) {
		t.Error("a peer that has no address is waited for")
	}
	if isRefusal(&net.OpError{Op: "dial", Err: &net.DNSError{Err: "i/o timeout", Name: "etcd2", IsTimeout: true}}) {
		t.Error("a peer that the resolver is still looking for is not waited for")
	}
}

func TestPeersAnswerAtOnceWhenTheirAddressIsInUse(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	peer := &url.URL{Scheme: "http", Host: l.Addr().String()}
	if !answersAtOnce(t.Context(), peer) {
		t.Error("a peer that listens is waited for")
	}
	l.Close()
	if !answersAtOnce(t.Context(), peer) {
		t.Error("a peer that refuses is waited for")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if answersAtOnce(ctx, peer) {
		t.Error("a peer that could not be asked is not waited for")
	}
}

func TestPeersServeOnceTheyAnswerWhateverItIs(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	peer, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := peerClient("", "")
	if !serves(t.Context(), client, peer) {
		t.Error("a peer that answers does not serve")
	}
	s.Close()
	if serves(t.Context(), client, peer) {
		t.Error("a peer that is gone serves")
	}
}

func TestWaitingEndsWithTheFirstYesOrWithTheTime(t *testing.T) {
	questions := 0
	until(t.Context(), func(context.Context) bool { questions++; return questions == 3 })
	if questions != 3 {
		t.Errorf("asked %d times, want 3", questions)
	}
	ctx, cancel := context.WithCancel(t.Context())
	until(ctx, func(context.Context) bool { cancel(); return false })
}
