package health_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

func TestAProxyInAMembersPlaceIsNoMember(t *testing.T) {
	c := newCluster(t, "etcd1")
	c.start(t, "etcd1")
	address := fmt.Sprintf("127.0.0.1:%d", etcdtest.FreePort(t))
	proxy := etcdtest.Start(t, nil, "grpc-proxy", "start", "--endpoints="+c.clientURL("etcd1"), "--listen-addr="+address, "--advertise-client-url="+address)

	h := c.cluster()
	h.Members[0].ClientURL, h.Members[0].PeerURL = "http://"+address, ""
	want := []string{"etcd1: does not answer: an etcd grpc-proxy answers in its place"}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r := h.Check(ctx)
	for ctx.Err() == nil && !slices.EqualFunc(r.Failures, want, strings.HasPrefix) {
		r = h.Check(ctx)
	}
	wantFailures(t, r, want...)
	if t.Failed() {
		t.Log(proxy.Log())
	}
}
