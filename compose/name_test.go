package compose_test

import (
	"testing"

	"github.com/etcdctr/etcdctr/compose"
)

func TestAClusterIsNamedByTheComposeFileThatWasMadeOfIt(t *testing.T) {
	for what, c := range map[string]struct{ file, want string }{
		"ours": {"name: orders\nservices:\n  etcd1:\n    labels:\n      io.etcdctr.role: member\n", "orders"},
		"ours, with anchors": {
			"name: orders\nx-labels: &l\n  io.etcdctr.role: member\nservices:\n  etcd1:\n    labels: *l\n", "orders",
		},
		"somebody else's":   {"name: shop\nservices:\n  web:\n    labels: [\"a=b\"]\n", ""},
		"no Compose file":   {"- a\n- b\n", ""},
		"broken":            {"name: [", ""},
		"without a project": {"services:\n  etcd1:\n    labels:\n      io.etcdctr.role: member\n", ""},
	} {
		if got, err := compose.NameIn([]byte(c.file)); got != c.want || err != nil {
			t.Errorf("%s: %q, %v, want %q", what, got, err, c.want)
		}
	}
}

func TestABrokenComposeFileOfOursHasNoNameThatCanBeReadAndSaysSo(t *testing.T) {
	if got, err := compose.NameIn([]byte("name: orders\nservices:\n  etcd1:\n    labels:\n      io.etcdctr.role: member\n   oops\n")); err == nil {
		t.Errorf("it is called %q", got)
	}
}
