package docker

import (
	"strings"
	"testing"
)

func TestUsersOfImagesAreFoundByTheirNumbers(t *testing.T) {
	for user, want := range map[string]owner{"": {}, "0:0": {}, "1001": {1001, 1001}, "65532:65532": {65532, 65532}, "7:8": {7, 8}} {
		name, group, _ := strings.Cut(user, ":")
		if got, known := numbered(name, group); !known || got != want {
			t.Errorf("%q is %v, %v; want %v", user, got, known, want)
		}
	}
	for _, user := range []string{"etcd", "1001:etcd"} {
		name, group, _ := strings.Cut(user, ":")
		if _, known := numbered(name, group); known {
			t.Errorf("%q has a number", user)
		}
	}
	passwd := []byte("root:x:0:0:root:/root:/bin/sh\netcd:x:998:997::/var/lib/etcd:/bin/false\n")
	if entry := entryOf(passwd, "etcd"); len(entry) < 4 || entry[2] != "998" || entry[3] != "997" {
		t.Errorf("the entry is %v", entry)
	}
	if entry := entryOf(passwd, "etc"); entry != nil {
		t.Errorf("there is an entry %v", entry)
	}
}
