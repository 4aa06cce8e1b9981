package engine

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/docker/cli/cli/config"
	"github.com/moby/moby/api/pkg/authconfig"
)

// dockerConfig makes a configuration of Docker's the one that is read.
func dockerConfig(t *testing.T, text string) {
	t.Helper()
	dir, before := t.TempDir(), config.Dir()
	config.SetDir(dir)
	t.Cleanup(func() { config.SetDir(before) })
	if err := os.WriteFile(filepath.Join(dir, config.ConfigFileName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCredentialsAreWhatDockerLoginLeft(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a credential helper is a shell script here")
	}
	helpers := t.TempDir()
	script := "#!/bin/sh\ncat >/dev/null\necho '{\"Username\": \"helped\", \"Secret\": \"p2\"}'\n"
	if err := os.WriteFile(filepath.Join(helpers, "docker-credential-test"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", helpers+string(os.PathListSeparator)+os.Getenv("PATH"))
	dockerConfig(t, `{
		"auths": {"registry.example": {"auth": "a2VwdDpwMQ=="}, "https://index.docker.io/v1/": {"auth": "aHViOnAz"}},
		"credHelpers": {"10.0.0.1:5000": "test"}
	}`)
	for ref, want := range map[string]string{
		"registry.example/team/etcd:1": "kept p1",
		"10.0.0.1:5000/etcd":           "helped p2",
		"etcd:v3.7.3":                  "hub p3",
		"elsewhere.example/etcd:1":     " ",
	} {
		encoded, err := Credentials(ref)
		if err != nil {
			t.Fatal(err)
		}
		got, err := authconfig.Decode(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if login := got.Username + " " + got.Password; login != want {
			t.Errorf("%s: %q, want %q", ref, login, want)
		}
	}
}

func TestCredentialsThatCannotBeReadAreTold(t *testing.T) {
	dockerConfig(t, `{"auths": `)
	if _, err := Credentials("registry.example/etcd:1"); err == nil || !strings.Contains(err.Error(), "credentials for registry.example: parsing config file") {
		t.Errorf("a torn configuration: %v", err)
	}
	dockerConfig(t, `{"credHelpers": {"registry.example": "missing"}}`)
	if _, err := Credentials("registry.example/etcd:1"); err == nil || !strings.Contains(err.Error(), "docker-credential-missing") {
		t.Errorf("a helper that is not there: %v", err)
	}
}
