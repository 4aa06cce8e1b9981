package multicall

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A member that starts for the first time asks each peer which members there
// are, for up to a second each. A peer that the resolver is still looking for
// costs it that second, and so does one that has opened its port and is itself
// waiting for an answer. Members that are started together run into both. So as
// etcd, the program waits until no question hangs, and members start one after
// the other: each as soon as those before it in the initial cluster serve.
const (
	longestWaitForPeers = 3 * time.Second
	oneQuestion         = 250 * time.Millisecond
)

// waitForPeers holds a member's first start back until it is likely to go
// well. It is a courtesy: whatever is wrong is etcd's to find and to report.
func waitForPeers(getenv func(string) string) {
	all, own := initialPeers(getenv("ETCD_INITIAL_CLUSTER"), getenv("ETCD_NAME"))
	if len(all) < 2 || own < 0 || getenv("ETCD_INITIAL_CLUSTER_STATE") != "new" || hasData(getenv("ETCD_DATA_DIR")) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), longestWaitForPeers)
	defer cancel()
	client := peerClient(getenv("ETCD_PEER_CERT_FILE"), getenv("ETCD_PEER_KEY_FILE"))
	var wg sync.WaitGroup
	for i, peer := range all {
		switch {
		case i < own:
			wg.Go(func() { until(ctx, func(ctx context.Context) bool { return serves(ctx, client, peer) }) })
		case i > own:
			wg.Go(func() { until(ctx, func(ctx context.Context) bool { return answersAtOnce(ctx, peer) }) })
		}
	}
	wg.Wait()
}

// initialPeers reads an initial cluster: the URLs of all members, and which of
// them is this one, -1 when none is.
func initialPeers(initialCluster, name string) (urls []*url.URL, own int) {
	own = -1
	for entry := range strings.SplitSeq(initialCluster, ",") {
		member, peerURL, _ := strings.Cut(entry, "=")
		u, err := url.Parse(peerURL)
		if err != nil || u.Host == "" {
			continue
		}
		if member == name {
			own = len(urls)
		}
		urls = append(urls, u)
	}
	return urls, own
}

// hasData reports whether a member has been started on its data before; then
// it knows its peers.
func hasData(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "member"))
	return err == nil
}

// peerClient shows the member's certificate and believes nothing of the
// answers but that there was one.
func peerClient(certFile, keyFile string) *http.Client {
	config := &tls.Config{InsecureSkipVerify: true}
	if cert, err := tls.LoadX509KeyPair(certFile, keyFile); err == nil {
		config.Certificates = []tls.Certificate{cert}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
}

func until(ctx context.Context, holds func(context.Context) bool) {
	for ctx.Err() == nil {
		once, cancel := context.WithTimeout(ctx, oneQuestion)
		ok := holds(once)
		cancel()
		if ok {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// serves reports whether a peer answers as it would to etcd.
func serves(ctx context.Context, client *http.Client, peer *url.URL) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, peer.JoinPath("members").String(), http.NoBody)
	if err != nil {
		return true // etcd would not get further either
	}
	answer, err := client.Do(r)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return true
}

// answersAtOnce reports whether a question to a peer would not be waited for: its
// address takes connections or refuses them, or it has no address yet and the
// resolver says so.
func answersAtOnce(ctx context.Context, peer *url.URL) bool {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", peer.Host)
	if err == nil {
		conn.Close()
	}
	return err == nil || isRefusal(err)
}

func isRefusal(err error) bool {
	var lookup *net.DNSError
	return errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &lookup) && lookup.IsNotFound
}
