package compose_test

import (
	"os"
	"path/filepath"
	"slices"
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

func TestStrangersAreWhatAFileOfOursWouldLose(t *testing.T) {
	const ours = "services:\n  etcd1:\n    labels:\n      io.etcdctr.role: member\n"
	for what, c := range map[string]struct {
		file string
		want []string
	}{
		"nothing":              {"# soon\n", nil},
		"ours":                 {"name: orders\n" + ours, nil},
		"a service":            {ours + "  shop:\n    labels: [\"a=b\"]\n", []string{"shop"}},
		"a service of no kind": {ours + "  shop:\n", []string{"shop"}},
		"an include":           {"include: [shop.yml]\n" + ours, []string{"include"}},
		"no service":           {"volumes: {data: {}}\nname: shop\n", []string{"name", "volumes"}},
	} {
		got, err := compose.Strangers([]byte(c.file))
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v, want %q", what, got, err, c.want)
		}
	}
	if got, err := compose.Strangers([]byte("services: [")); err == nil {
		t.Errorf("of what can't be read it says %q", got)
	}
}

func TestFilesOfEarlierReleasesHaveNoStrangers(t *testing.T) {
	files, err := filepath.Glob("../e2e/testdata/compat/*/*/docker-compose.yml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := compose.Strangers(text); len(got) > 0 || err != nil {
			t.Errorf("%s: %q, %v", file, got, err)
		}
	}
}
