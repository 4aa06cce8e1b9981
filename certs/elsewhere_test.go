package certs_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/certs"
)

func TestACommandReadsTheRequestAndKnowsWhoseItIs(t *testing.T) {
	request := []byte("a request")
	for command, want := range map[string]string{
		"cat":                       "a request",
		"echo $ETCDCTR_IDENTITY $A": "members/etcd1/peer b",
	} {
		answer, err := certs.SignBy(command, []string{"A=b"})(t.Context(), "members/etcd1/peer", request)
		if err != nil || string(bytes.TrimSpace(answer)) != want {
			t.Errorf("%s: %q, %v; want %q", command, answer, err, want)
		}
	}
	for command, want := range map[string]string{
		"echo no luck >&2; exit 3": "exit status 3: no luck",
		"true":                     "has written no certificate",
	} {
		if _, err := certs.SignBy(command, nil)(t.Context(), "clients/root", request); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", command, err, want)
		}
	}
}
