package dashboard_test

import (
	"context"
	"net"
	"net/http"
	"testing"

	"github.com/etcdctr/etcdctr/dashboard"
)

func TestAPageIsServedUntilItIsEnded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- dashboard.Serve(ctx, l, http.NotFoundHandler()) }()
	answer, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	end()
	if err := <-served; err != nil {
		t.Errorf("it ends with %v", err)
	}
	l, err = net.Listen("tcp", l.Addr().String())
	if err != nil {
		t.Fatalf("its port is not given back: %v", err)
	}
	l.Close()
	if err := dashboard.Serve(t.Context(), l, http.NotFoundHandler()); err == nil {
		t.Error("nobody can listen, and it says nothing")
	}
}
