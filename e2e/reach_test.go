package e2e

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
)

func TestPortsAreLookedForOnLoopbackBesideAnEnginesSocket(t *testing.T) {
	for what, test := range map[string]struct {
		engine, host string
		said, also   bool
	}{
		"a gateway that was guessed": {engine: "unix:///var/run/docker.sock", host: "192.0.2.1", also: true},
		"loopback already":           {engine: "unix:///var/run/docker.sock", host: localAddress},
		"an engine elsewhere":        {engine: "tcp://192.0.2.1:2375", host: "192.0.2.1"},
		"as somebody has said":       {engine: "unix:///var/run/docker.sock", host: "192.0.2.1", said: true},
	} {
		if got := alsoAt(test.engine, test.host, test.said); (len(got) > 0) != test.also {
			t.Errorf("%s: also at %v", what, got)
		}
	}
}

// No address of 192.0.2.0/24 is anybody's.
func TestWhoAnswersFirstIsTaken(t *testing.T) {
	listener, err := net.Listen("tcp", net.JoinHostPort(localAddress, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if host := firstReached(t.Context(), []string{"192.0.2.1", localAddress}, port); host != localAddress {
		t.Errorf("%q is taken", host)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if host := firstReached(ended, []string{"192.0.2.1"}, port); host != "" {
		t.Errorf("%q is taken, and nobody is there", host)
	}
}

func TestWhoeverReachesNoMemberIsToldWhatToSet(t *testing.T) {
	err := &unreachedError{err: context.DeadlineExceeded, at: "https://192.0.2.1:28445", inside: true}
	for _, part := range []string{"dialled at https://192.0.2.1:28445", "in their containers they serve", "set TESTCONTAINERS_HOST_OVERRIDE=127.0.0.1"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error("the cause is lost")
	}
	err.said = true
	if !strings.Contains(err.Error(), "leave it out") {
		t.Errorf("where it was set: %q", err)
	}
}
