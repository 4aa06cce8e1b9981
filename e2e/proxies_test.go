//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Docker's clients put the proxies of their configuration into every container.
// Nobody listens where these lead: a member that goes by one meets no other.
const proxiesConfig = `{"proxies": {"default": {
  "httpProxy": "http://127.0.0.1:1", "httpsProxy": "http://127.0.0.1:1", "noProxy": "localhost,127.0.0.0/8"
}}}
`

func TestMembersGoByNoProxyOfDockersConfiguration(t *testing.T) {
	s := newStack(t)
	s.generate("--bootstrap", "discovery")
	config := t.TempDir()
	writeFile(t, filepath.Join(config, "config.json"), proxiesConfig)
	up := exec.CommandContext(t.Context(), "docker-compose", "up", "--detach", "--wait", "--wait-timeout", "60")
	up.Env = append(os.Environ(), "DOCKER_CONFIG="+config)
	if _, err := output(up, s.dir); err != nil {
		t.Fatal(err)
	}
	s.wantMembers(3)
	for _, service := range []string{"etcd1", "discovery", "discovery-guard"} {
		id := s.containers()[service]
		env := run(t, s.dir, "docker", "inspect", "--format", "{{range .Config.Env}}{{println .}}{{end}}", id)
		if !strings.Contains(env, "HTTPS_PROXY=http://127.0.0.1:1\n") {
			t.Errorf("%s was given no proxy, so that nothing is proved:\n%s", service, env)
		}
	}
}
