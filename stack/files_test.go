package stack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/mount"
)

const withFiles = `
name: p
services:
  etcd1:
    image: etcd
    volumes: [{type: bind, source: DIR/certs, target: /etc/etcd/certs, read_only: true, bind: {selinux: z}}]
  dns:
    image: coredns
    configs: [{source: corefile, target: /etc/coredns/Corefile}]
configs: {corefile: {file: DIR/Corefile}}
`

func filesDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"Corefile": 0o644, "certs/server/tls.key": 0o600, "certs/server/tls.crt": 0o644} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("content of "+name), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFilesAreMountedWhereTheEngineSeesThem(t *testing.T) {
	dir := filesDir(t)
	w := wanted(t, strings.ReplaceAll(withFiles, "DIR", dir))
	etcd, err := w.fileSystem(w.Project.Services["etcd1"])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{dir + "/certs:/etc/etcd/certs:ro,z"}, etcd.binds); diff != "" {
		t.Errorf("binds (-want +got):\n%s", diff)
	}
	dns, err := w.fileSystem(w.Project.Services["dns"])
	if err != nil {
		t.Fatal(err)
	}
	want := []mount.Mount{{Type: mount.TypeBind, Source: dir + "/Corefile", Target: "/etc/coredns/Corefile", ReadOnly: true}}
	if diff := cmp.Diff(want, dns.mounts); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
}

func TestFilesAreCopiedWhereTheEngineDoesNotSeeThem(t *testing.T) {
	w := wanted(t, strings.ReplaceAll(withFiles, "DIR", filesDir(t)))
	w.CopyFiles = true
	p, err := PlanApply(w, &State{})
	if err != nil {
		t.Fatal(err)
	}
	wantPlan(t, p, `
 1  create network p_default: it is not there
 2  create volume p_dns-etc-coredns: the engine does not see the files of this machine
 3  copy files to volume p_dns-etc-coredns, after 2: the engine does not see the files of this machine
 4  create volume p_etcd1-etc-etcd-certs: the engine does not see the files of this machine
 5  copy files to volume p_etcd1-etc-etcd-certs, after 4: the engine does not see the files of this machine
 6  create container p-dns-1, after 1, 3: it is not there
 7  create container p-etcd1-1, after 1, 5: it is not there
 8  start p-dns-1, after 6, 7
 9  start p-etcd1-1, after 6, 7
`)
}

// Where the files were is nothing that members know of whose engine has copies of them.
func TestTheSameFilesInAnotherFolderChangeNothingWhereTheyAreCopied(t *testing.T) {
	for _, copies := range []bool{true, false} {
		made := wanted(t, strings.ReplaceAll(withFiles, "DIR", filesDir(t)))
		made.CopyFiles = copies
		labels, err := made.labels(made.Project.Services["etcd1"])
		if err != nil {
			t.Fatal(err)
		}
		c := Container{Name: "p-etcd1-1", Service: "etcd1", Number: 1, ConfigHash: labels[configHashLabel], Labels: labels}
		now := wanted(t, strings.ReplaceAll(withFiles, "DIR", filesDir(t)))
		now.CopyFiles = copies
		service := now.Project.Services["etcd1"]
		if same, err := now.made(service, c); err != nil || same != copies {
			t.Errorf("copied: %t, and the same from another folder: %t, %v", copies, same, err)
		}
		service.Restart = "no"
		if same, err := now.made(service, c); err != nil || same {
			t.Errorf("copied: %t, and another service is the same, %v", copies, err)
		}
	}
}

func TestCopiedFilesKeepTheirModesAndAreRecognized(t *testing.T) {
	dir := filesDir(t)
	w := wanted(t, strings.ReplaceAll(withFiles, "DIR", dir))
	tr, err := w.transfer(w.Project.Services["etcd1"], dir+"/certs", "/etc/etcd/certs")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := tr.entries()
	if err != nil {
		t.Fatal(err)
	}
	archive, err := writeArchive(entries)
	if err != nil {
		t.Fatal(err)
	}
	read, err := readArchive(archive)
	if err != nil {
		t.Fatal(err)
	}
	if digest(read) != tr.digest {
		t.Error("files that came through an archive count as changed")
	}
	var modes []string
	for _, f := range read {
		modes = append(modes, strings.TrimSpace(f.name+" "+os.FileMode(f.mode).String()))
	}
	if diff := cmp.Diff([]string{"server -rwx------", "server/tls.crt -rw-r--r--", "server/tls.key -rw-------"}, modes); diff != "" {
		t.Errorf("modes (-want +got):\n%s", diff)
	}
}

func TestMissingFilesAreNamed(t *testing.T) {
	err := wanted(t, strings.ReplaceAll(withFiles, "DIR", "/nowhere")).CheckFiles()
	for _, want := range []string{"services.etcd1 cannot have /nowhere/certs", "services.dns cannot have /nowhere/Corefile"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want something with %q", err, want)
		}
	}
}
