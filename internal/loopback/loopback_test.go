package loopback_test

import (
	"testing"

	"github.com/etcdctr/etcdctr/internal/loopback"
)

func TestLoopbackIsToldByNameOrAddress(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "127.1.2.3": true, "::1": true, "::ffff:127.0.0.1": true,
		"": false, "0.0.0.0": false, "::": false, "10.0.0.1": false, "etcd1": false, "127.0.0.1.example": false,
	} {
		if got := loopback.Host(host); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}
