package listening_test

import (
	"net"
	"testing"

	"github.com/etcdctr/etcdctr/internal/listening"
)

func TestAnAddressIsTakenForAsLongAsSomebodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if !listening.Taken(address) {
		t.Errorf("%s is not taken", address)
	}
	l.Close()
	if listening.Taken(address) {
		t.Errorf("%s is taken still", address)
	}
}
