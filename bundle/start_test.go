//go:build unix

package bundle

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// An engine and Compose as files say that they are, in the folder of the script.
const (
	fakeDocker = `#!/bin/sh
case $1 in
ps) if [ -e container ]; then echo id; fi ;;
inspect) if [ -e runs ]; then echo true; else echo false; fi ;;
cp) if [ -e data ]; then printf 'wal/\0\0'; else exit 1; fi ;;
esac
`
	fakeCompose = `#!/bin/sh
case "$*" in
"up --no-start") touch container ;;
"up --detach") touch container runs data ;;
"down") rm -f container runs ;;
"down --volumes") rm -f container runs data ;;
esac
`
)

// scriptOf writes start.sh of a cluster's first member, and gives what runs commands beside it.
func scriptOf(t *testing.T, text string) func(command string) (string, error) {
	t.Helper()
	spec, err := cluster.Load("etcdctr.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Resolve(spec, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	start, err := Machine{member: c.Members[0], cluster: c.Only(c.Members[0].Name)}.start()
	if err != nil {
		t.Fatal(err)
	}
	dir, programs := t.TempDir(), t.TempDir()
	for path, data := range map[string]string{
		filepath.Join(dir, Start): string(start), filepath.Join(programs, "docker"): fakeDocker, filepath.Join(programs, "compose"): fakeCompose,
	} {
		if err := os.WriteFile(path, []byte(data), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return func(command string) (string, error) {
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "COMPOSE=compose", "PATH="+programs+string(os.PathListSeparator)+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
}

// A member that has had data on its machine is started with it, and not without.
func TestAMemberIsNotStartedWithoutTheDataThatItHasHad(t *testing.T) {
	run := scriptOf(t, described)
	for _, step := range []struct{ what, command, refused string }{
		{"the first time", "./start.sh", ""},
		{"where it runs", "./start.sh", ""},
		{"where its container is gone", "compose down; ./start.sh", ""},
		{"where it has stopped", "rm runs; ./start.sh", ""},
		{"where its data was deleted", "compose down --volumes; ./start.sh", "its data is gone"},
		{"once more", "./start.sh", "its data is gone"},
		{"where it is said to begin empty", "rm served; ./start.sh", ""},
		{"where its data was deleted since", "rm runs data; ./start.sh", "its data is gone"},
	} {
		out, err := run(step.command)
		_, errRuns := run("test -e runs")
		if refused := err != nil; refused != (step.refused != "") || !strings.Contains(out, step.refused) || (errRuns == nil) == refused {
			t.Errorf("%s it ends with %v, and it runs: %v; want %q:\n%s", step.what, err, errRuns == nil, step.refused, out)
		}
	}
}

// What is kept in memory is to be gone.
func TestAMemberThatForgetsIsStarted(t *testing.T) {
	run := scriptOf(t, described+"data: memory\n")
	for range 2 {
		if out, err := run("rm -f container runs data; ./start.sh && test -e runs && test ! -e served"); err != nil {
			t.Errorf("%v:\n%s", err, out)
		}
	}
}

// A docker without Compose takes the words of Compose for flags of its own.
func TestWhatComposeIsCalledIsAskedForWhereItIsNot(t *testing.T) {
	run := scriptOf(t, described)
	out, err := run("printf '#!/bin/sh\nexit 125\n' >without && chmod +x without && COMPOSE=./without ./start.sh")
	if err == nil || !strings.Contains(out, "no Docker Compose here that './without' runs") || !strings.Contains(out, "COMPOSE=docker-compose") {
		t.Errorf("%v:\n%s", err, out)
	}
	if out, err := run("test ! -e runs"); err != nil {
		t.Errorf("it runs: %s", out)
	}
}
