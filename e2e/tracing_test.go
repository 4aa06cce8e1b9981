//go:build e2e && linux

package e2e

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/etcdctr/etcdctr/cluster"
)

// The settings of docs/logs.md have members of each release send their spans to a
// collector.
func TestMembersSendTheirSpansToACollector(t *testing.T) {
	found := regexp.MustCompile("(?ms)^```yaml\n(settings:\n  enable-distributed-tracing.*?)^```").FindStringSubmatch(readFile(t, "../docs/logs.md"))
	if found == nil {
		t.Fatal("the page has no settings for tracing")
	}
	eachMinor(t, func(t *testing.T, minor int) {
		const everyRequest = `"1000000"`
		c := startCollector(t)
		settings := strings.NewReplacer("collector:4317", c.address, `"1000"`, everyRequest).Replace(found[1])
		if minor == 5 {
			settings = regexp.MustCompile(`(?m)^  (\w)`).ReplaceAllString(settings, "  experimental-$1")
		}
		l := newLocal(t)
		program := filepath.Dir(filepath.Dir(etcdBinary(t, minor, "etcd"))) + "/{minor}/etcd"
		writeFile(t, filepath.Join(l.dir, "etcdctr.yaml"), fmt.Sprintf("etcd: %q\nruntime: process\nmembers: 1\netcd-binary: %s\n%s", cluster.KnownPatches[minor], program, settings))
		l.etcdctr("up", "--detach")
		eventually(t, "spans to arrive", func() error {
			l.use()
			if c.exports.Load() == 0 {
				return errors.New("none has come")
			}
			return nil
		})
	})
}

// collector counts what comes by OTLP.
type collector struct {
	address string
	exports atomic.Int64
}

func startCollector(t *testing.T) *collector {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{address: listener.Addr().String()}
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		method, _ := grpc.MethodFromServerStream(stream)
		if err := stream.RecvMsg(&emptypb.Empty{}); err != nil {
			return err
		}
		if method == "/opentelemetry.proto.collector.trace.v1.TraceService/Export" {
			c.exports.Add(1)
		}
		return stream.SendMsg(&emptypb.Empty{})
	}))
	t.Cleanup(server.Stop)
	go func() { _ = server.Serve(listener) }() // until it is stopped
	return c
}
