//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// TestFilesOfEveryReleaseStillStart starts what generators of earlier releases
// have written, as it is but for names that it has to share the engine with,
// with certificates that today's makes of the cluster file. A release adds a folder to testdata/compat and
// changes none.
func TestFilesOfEveryReleaseStillStart(t *testing.T) {
	folders, err := filepath.Glob("testdata/compat/v*/*")
	if err != nil || len(folders) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, folder := range folders {
		t.Run(filepath.ToSlash(strings.TrimPrefix(folder, "testdata/compat/")), func(t *testing.T) {
			s := newStack(t)
			s.copyOf(folder)
			s.etcdctr("certs", "create")
			s.up()
			s.wantMembers(3)
			s.takenOver()
		})
	}
}

// takenOver has today's etcdctr make the stack what the cluster file says, as it
// would an own one: by its labels and its data, which stays.
func (s *stack) takenOver() {
	s.t.Helper()
	volumes := func() string {
		return run(s.t, "", "docker", "volume", "ls", "--quiet", "--filter", "label=com.docker.compose.project="+s.name)
	}
	before := volumes()
	s.etcdctr("etcdctl", "put", "greeting", "hello")
	var flags []string
	if strings.Contains(readFile(s.t, filepath.Join(s.dir, "etcdctr.yaml")), "bootstrap: dns") {
		flags = []string{"--dns-image", dnsImage(s.t)}
	}
	s.etcdctr("up", flags...)
	s.wantMembers(3)
	if got := s.etcdctr("etcdctl", "get", "--print-value-only", "greeting"); strings.TrimSpace(got) != "hello" {
		s.t.Errorf("the greeting is %q", got)
	}
	if after := volumes(); after != before {
		s.t.Errorf("the volumes were\n%sand are\n%s", before, after)
	}
}

// copyOf fills the stack's folder with that of a release. The project's name,
// its subnet and its images become the suite's.
func (s *stack) copyOf(folder string) {
	s.t.Helper()
	subnet, _, _ := strings.Cut(cluster.DefaultSubnet(s.name, 0).String(), "0/")
	var images []string
	for minor, release := range cluster.KnownPatches {
		images = append(images, "gcr.io/etcd-development/etcd:"+release.String(), etcdImage(s.t, minor))
	}
	images = append(images, cluster.DefaultDNSImage, dnsImage(s.t), "10.89.1.", subnet)
	rename := regexp.MustCompile(`(?m)^name: orders$`)
	if err := os.CopyFS(s.dir, os.DirFS(folder)); err != nil {
		s.t.Fatal(err)
	}
	err := filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text := strings.NewReplacer(images...).Replace(readFile(s.t, path))
		return os.WriteFile(path, rename.ReplaceAll([]byte(text), []byte("name: "+s.name)), 0o644)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}
