//go:build e2e

package e2e

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var rewriting = regexp.MustCompile("docker-compose.yml does not describe .* as it is \\(not in it: etcd2, etcd3\\).*`etcdctr (compose .*)` writes it anew")

// A Compose file that flags have overtaken says so, and the command that is named makes it
// one by which Docker Compose finds nothing to do.
func TestAComposeFileThatIsTrueNoMoreIsSaid(t *testing.T) {
	s := newStack(t)
	s.generate("--members", "1", "--tls", "none")
	said := func(args ...string) string {
		t.Helper()
		cmd := s.command("up", args...)
		cmd.Dir = s.dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("up: %v\n%s", err, out)
		}
		return string(out)
	}
	if out := said("--members", "1", "--tls", "none"); strings.Contains(out, "does not describe") {
		t.Errorf("a true file is called untrue:\n%s", out)
	}
	command := rewriting.FindStringSubmatch(said("--members", "3"))
	if command == nil {
		t.Fatal("nothing is said of the file")
	}
	if rewriting.FindStringSubmatch(said()) == nil {
		t.Error("it is said once only")
	}
	run(t, s.dir, etcdctrBinary(t), strings.Fields(command[1])...)
	if out := said(); strings.Contains(out, "does not describe") {
		t.Errorf("the file was written anew and is called untrue:\n%s", out)
	}
	before := s.compose("ps", "--quiet")
	s.up()
	if after := s.compose("ps", "--quiet"); after != before || strings.Count(after, "\n") != 3 {
		t.Errorf("Docker Compose has found something to do:\n%s\nbefore:\n%s", after, before)
	}
}

// Whatever makes members anew says it, too, where the file is not true after it: Docker Compose
// would make them anew once more.
func TestAComposeFileIsUntrueAfterMembersAreMadeAnew(t *testing.T) {
	s := newStack(t)
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), "tls: none\nimage: "+s.ref+"\n")
	s.generate()
	s.up()
	s.etcdctr("backup", "--output", filepath.Join(s.dir, "kept.tar.zst"))
	anew := regexp.MustCompile("docker-compose.yml does not describe .*`etcdctr (compose .*)` writes it anew")
	for _, args := range [][]string{{"recover", "--yes"}, {"member", "replace", "etcd2"}, {"restore", "--yes", filepath.Join(s.dir, "kept.tar.zst")}, {"recover", "--yes"}} {
		if args[0] == "recover" {
			for _, member := range []string{"etcd1", "etcd3"} {
				s.compose("rm", "--stop", "--force", member)
				run(t, "", "docker", "volume", "rm", s.name+"_"+member+"-data")
			}
		}
		cmd := s.command(args[0], args[1:]...)
		cmd.Dir = s.dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
		if command := anew.FindStringSubmatch(string(out)); command != nil {
			run(t, s.dir, etcdctrBinary(t), strings.Fields(command[1])...)
		} else if args[0] == "recover" { // of the others those are as they were
			t.Errorf("%q says nothing of the file:\n%s", args, out)
		}
		before := s.compose("ps", "--quiet")
		s.up()
		if after := s.compose("ps", "--quiet"); after != before {
			t.Errorf("after %q Docker Compose has found something to do:\n%s\nbefore:\n%s", args, after, before)
		}
	}
}
