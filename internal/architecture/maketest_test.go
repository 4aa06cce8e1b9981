//go:build unix

package architecture

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// standins are for the programs that `make test` calls. Those that are asked whether
// they can do something end as a variable says.
var standins = map[string]string{
	"go": `case "$*" in
"test -vet off -tags e2e -c"*) ;;
"test -vet off"*) echo the hermetic tests; exit $UNIT ;;
"run ./e2e/lanes"*) echo the smoke tests; exit $SMOKE ;;
"run ./e2e/report"*) cat ;;
"env GOARCH") echo amd64 ;;
esac`,
	"docker": "exit $DOCKER",
}

// makeTest runs `make test` in a tree that has nothing but the Makefile, and gives what it
// prints and how it ends.
func makeTest(t *testing.T, environment ...string) (string, int) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Makefile": string(contents(t, "Makefile")), "go.mod": "", "bin/etcd": "",
		"tools/docker-compose/go.mod": "", "tools/docker-compose/go.sum": "",
	} {
		placed(t, filepath.Join(dir, name), text)
	}
	for name, text := range standins {
		placed(t, filepath.Join(dir, "path", name), "#!/bin/sh\n"+text+"\n")
	}
	cmd := exec.CommandContext(t.Context(), "make", "test")
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + filepath.Join(dir, "path") + ":" + os.Getenv("PATH"), "ETCDCTR_DEMAND_DOCKER="}, environment...)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func placed(t *testing.T, file, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o755)); err != nil {
		t.Fatal(err)
	}
}

// Neither kind of tests hides how the other one ends, and a machine without an engine is
// told what did not run.
func TestMakeTestTellsHowEachKindEnded(t *testing.T) {
	const silent, smoked = "no Docker Engine answers", "\nthe smoke tests\n"
	for name, tt := range map[string]struct {
		environment []string
		fails       bool
		want        []string
	}{
		"both pass":          {[]string{"DOCKER=0", "UNIT=0", "SMOKE=0"}, false, []string{smoked, "\nmake unit passed\nmake smoke passed\n"}},
		"hermetic ones fail": {[]string{"DOCKER=0", "UNIT=1", "SMOKE=0"}, true, []string{smoked, "\nmake unit failed\nmake smoke passed\n"}},
		"smoke tests fail":   {[]string{"DOCKER=0", "UNIT=0", "SMOKE=1"}, true, []string{smoked, "\nmake unit passed\nmake smoke failed\n"}},
		"both fail":          {[]string{"DOCKER=0", "UNIT=1", "SMOKE=1"}, true, []string{smoked, "\nmake unit failed\nmake smoke failed\n"}},
		"no engine":          {[]string{"DOCKER=1", "UNIT=0"}, false, []string{silent}},
		"one is demanded":    {[]string{"DOCKER=1", "UNIT=0", "ETCDCTR_DEMAND_DOCKER=1"}, true, []string{silent}},
		"neither":            {[]string{"DOCKER=1", "UNIT=1"}, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, code := makeTest(t, tt.environment...)
			if (code != 0) != tt.fails {
				t.Errorf("it ended with %d", code)
			}
			for _, want := range append(tt.want, "the hermetic tests\n") {
				if !strings.Contains(out, want) {
					t.Errorf("%q is missing from:\n%s", want, out)
				}
			}
		})
	}
}
