package compose

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// TestPagesCallTheNetworkByItsName holds what pages call NAME_network, where NAME is a
// cluster.
func TestPagesCallTheNetworkByItsName(t *testing.T) {
	files, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, file := range files {
		page, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile("`NAME_[a-z]+`").FindAllString(string(page), -1) {
			if named++; name != "`"+NetworkOf("NAME")+"`" {
				t.Errorf("%s names %s, and the network is %s", file, name, NetworkOf("NAME"))
			}
		}
	}
	if named == 0 {
		t.Error("no page names the network")
	}
}

func TestEveryTLSModeHasWords(t *testing.T) {
	for _, mode := range cluster.TLSModes() {
		if tlsWords[mode] == "" {
			t.Errorf("the head of a Compose file has no words for tls: %s", mode)
		}
	}
}
