package lint

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

const ofRoot = "data-of-root"

// findsDataOfRoot tells whether the rule is broken by what is described.
func findsDataOfRoot(t *testing.T, in Input, o Options) bool {
	t.Helper()
	stacks, err := Read([]Input{in}, o)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(Check(stacks[0]), func(f Finding) bool { return f.Rule == ofRoot })
}

// Under upstream's name there may be an image that was packed here, which an engine tells.
func TestAnImageOfUpstreamsNameIsLookedAt(t *testing.T) {
	for _, c := range []struct {
		user, at, service string
		found             bool
	}{
		{"65532:65532", "/data", "", true},
		{"65532:65532", "/etcd-data", "", false}, // which the image has
		{"65532:65532", "/data", "user: root", false},
		{"", "/data", "", false},
		{"", "/etcd-data", "user: \"65532\"", true}, // upstream's has no such folder
		{"", "/data", "user: \"1000\"", true},
	} {
		file := filepath.Join(t.TempDir(), "compose.yaml")
		text := fmt.Sprintf("services:\n  etcd1:\n    image: gcr.io/etcd-development/etcd:v3.7.3\n    %s\n    command: etcd --data-dir %s\n"+
			"    volumes: [\"kept:%s\"]\nvolumes: {kept: {}}\n", c.service, c.at, c.at)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o := Options{ImageUser: func(string) string { return c.user }}
		if found := findsDataOfRoot(t, Input{Files: []string{file}}, o); found != c.found {
			t.Errorf("an image of %q with data at %s and %q: found %t", c.user, c.at, c.service, found)
		}
		o.ImageUser = nil
		if found := findsDataOfRoot(t, Input{Files: []string{file}}, o); found != (c.user == "" && c.found) {
			t.Errorf("without an engine, %q with data at %s and %q: found %t", c.user, c.at, c.service, found)
		}
	}
}

// A volume of a container that runs was given away by somebody, or is not root's.
func TestAContainerThatEndedIsAskedWhoseItsVolumeIs(t *testing.T) {
	for _, c := range []struct {
		status, code, user string
		found              bool
	}{
		{"exited", "1", "65532:65532", true},
		{"restarting", "1", "65532:65532", true},
		{"running", "0", "65532:65532", false},
		{"exited", "0", "65532:65532", false},
		{"exited", "1", "", false},
	} {
		answer := fmt.Sprintf(`[{"Name": "/shop-kv-1", "State": {"Status": %q, "ExitCode": %s},
"Config": {"Image": "gcr.io/etcd-development/etcd:v3.7.3", "User": %q, "Cmd": ["etcd", "--data-dir=/etcd-data"]},
"Mounts": [{"Type": "volume", "Name": "kept", "Destination": "/etcd-data", "RW": true}]}]`, c.status, c.code, c.user)
		if found := findsDataOfRoot(t, Input{Name: "answer.json", Data: []byte(answer), Live: true}, Options{}); found != c.found {
			t.Errorf("%s with %s as %q: found %t", c.status, c.code, c.user, found)
		}
	}
}
