//go:build unix

package main

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// writers are the command lines that write into a file or a folder of the user's,
// by command and flag, and what of that they write. Images, of which archives are
// made, take an engine or programs: package images writes those, and tests it. So
// does package backup, which takes a cluster.
var writers = map[string]struct {
	args []string
	file string // in the folder OUT, which is what the flag is given, or OUT itself
}{
	"compose --output":      {args: []string{"--output", "OUT"}},
	"compose --env-dir":     {args: []string{"--env-dir", "OUT"}, file: "etcd1.env"},
	"procfile --output":     {args: []string{"--output", "OUT"}},
	"systemd --output":      {args: []string{"--output", "OUT"}, file: "sysusers.conf"},
	"bundle --output":       {args: []string{"--output", "OUT", "--file", "machines.yaml"}, file: "etcd-etcd1.tar.gz"},
	"backup --output":       {},
	"recover --output":      {},
	"certs issue --output":  {},
	"image build --output":  {},
	"image build --sbom":    {},
	"image save --output":   {},
	"image bundle --output": {},
	"image load --output":   {},
}

// outputs are the flags that name what a command writes.
var outputs = []string{"output", "sbom", "env-dir"}

func TestEveryCommandThatWritesFilesIsTried(t *testing.T) {
	found := map[string]bool{}
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			for _, name := range outputs {
				if f.Name == name {
					found[strings.TrimPrefix(c.CommandPath(), "etcdctr ")+" --"+name] = true
				}
			}
		})
		for _, sub := range c.Commands() {
			look(sub)
		}
	}
	look(newRootCommand(newApp()))
	for command := range found {
		if _, ok := writers[command]; !ok {
			t.Errorf("%s is not among those that are tried", command)
		}
	}
	for command := range writers {
		if !found[command] {
			t.Errorf("%s is tried, and there is none", command)
		}
	}
}

func TestOutputGoesWhereItsNameLeads(t *testing.T) {
	for command, w := range writers {
		if w.args == nil {
			continue
		}
		t.Run(command, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile("machines.yaml", []byte("members: {etcd1: 192.0.2.1, etcd2: 192.0.2.2, etcd3: 192.0.2.3}\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			words := strings.Fields(command)
			args := slices.Concat(words[:len(words)-1], w.args)
			out := filepath.Join("OUT", w.file)
			if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join(t.TempDir(), "target"), out); err != nil {
				t.Fatal(err)
			}
			a := newApp()
			a.Out, a.Voice.Out = io.Discard, testWriter{t}
			if code := run(a, args); code != 0 {
				t.Fatalf("etcdctr %s ended with %d", strings.Join(args, " "), code)
			}
			if st, err := os.Lstat(out); err != nil || st.Mode().Type() != fs.ModeSymlink {
				t.Errorf("the symbolic link is %v, %v", st, err)
			}
			if st, err := os.Stat(out); err != nil || st.Size() == 0 {
				t.Errorf("nothing was written where it leads: %v, %v", st, err)
			}
		})
	}
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}
