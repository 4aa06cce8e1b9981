package local

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/process"
)

// This file finds the etcd that members run.

// program is an etcd to run.
type program struct {
	Program
	given bool // by the Spec, and not this program's own
}

// carried is the program's own etcd.
func (r *Runtime) carried() (program, error) {
	if r.o.Carried == nil {
		return program{}, fmt.Errorf("etcd-binary: must name an etcd: this program has none inside")
	}
	return program{Program: *r.o.Carried}, nil
}

// CallError is the error of a program that starts itself by a name, and is not then what
// it is to be by that name.
type CallError struct{ Name string }

func (e *CallError) Error() string {
	does := "etcdmain.Main(os.Args)"
	if e.Name != etcdProgram {
		does = "that of local.Programs"
	}
	return fmt.Sprintf("this program starts itself as %s, and does not become that: where filepath.Base(os.Args[0]) is %q, main has to call %s before all else", e.Name, e.Name, does)
}

// etcdProgram is the name that a program is called by to be a member.
const etcdProgram = "etcd"

// itself makes sure that this is not a process that was started to be something else:
// without that it would go on and start the same again, and so for ever.
func itself() error {
	name := filepath.Base(os.Args[0])
	if _, helps := Programs[name]; !helps && name != etcdProgram {
		return nil
	}
	return &CallError{Name: name}
}

// longestAnswer is how long a program may take to tell its version.
const longestAnswer = 10 * time.Second

// becomesEtcd makes sure that the program of the members is etcd. Who has helpers besides
// looks at the name that it is called by anyway.
func (r *Runtime) becomesEtcd(ctx context.Context, c *cluster.Cluster) error {
	if r.o.Self != "" || r.o.Carried == nil || c.Spec.EtcdBinary != "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, longestAnswer)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.o.Carried.Path)
	cmd.Args = []string{etcdProgram, "--version"}
	cmd.WaitDelay = time.Second
	out, _ := cmd.CombinedOutput() // what it says tells
	if !strings.HasPrefix(string(out), versionLine) {
		return &CallError{Name: etcdProgram}
	}
	return nil
}

// versionLine begins with what etcd says, asked for its version.
const versionLine = "etcd Version: "

// programFor is the etcd that a cluster is to run.
func (r *Runtime) programFor(ctx context.Context, c *cluster.Cluster) (program, error) {
	if c.Spec.EtcdBinary == "" {
		own, err := r.carried()
		if err == nil && own.Version != c.Etcd {
			err = &OtherReleaseError{Want: c.Etcd, Have: own.Version}
		}
		return own, err
	}
	given, err := r.given(ctx, c.Spec.EtcdBinary, c.Etcd)
	if err == nil && given.Version != c.Etcd {
		err = &OtherReleaseError{Path: given.Path, Want: c.Etcd, Have: given.Version}
	}
	return given, err
}

// OtherReleaseError is the error of an etcd that is not of the release that the
// cluster is to be: settings are checked against that.
type OtherReleaseError struct {
	Path       string // empty: the etcd inside this program
	Want, Have cluster.Version
}

func (e *OtherReleaseError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("the cluster is to be etcd %s, and the etcd inside this program is %s", e.Want, e.Have)
	}
	return fmt.Sprintf("%s is etcd %s, and the cluster is to be %s: change one of the two", e.Path, e.Have, e.Want)
}

// given is the etcd of that release which a Spec names.
func (r *Runtime) given(ctx context.Context, pattern string, release cluster.Version) (program, error) {
	path, err := filepath.Abs(strings.NewReplacer(
		"{minor}", fmt.Sprintf("3.%d", release.Minor), "{release}", release.String(),
	).Replace(pattern))
	if err != nil {
		return program{}, fmt.Errorf("cannot find the current folder: %w", err)
	}
	v, err := r.versions.of(ctx, path)
	return program{Program: Program{Path: path, Version: v}, given: true}, err
}

// withRelease has a spec that leaves the release open take that of the etcd that
// it names.
func (r *Runtime) withRelease(ctx context.Context, spec cluster.Spec) (cluster.Spec, error) {
	if spec.EtcdBinary == "" || spec.Etcd != "" || spec.Image != "" || strings.Contains(spec.EtcdBinary, "{") {
		return spec, nil
	}
	p, err := r.given(ctx, spec.EtcdBinary, cluster.DefaultVersion)
	if err == nil {
		spec.Etcd = p.Version.String()
	}
	return spec, err
}

// versions are those of programs that were asked already. A change looks at its
// cluster after every step, and a program of etcd's size takes a while to answer.
type versions struct {
	mu    sync.Mutex
	known map[string]answered
}

// answered is a version, with the file that told it.
type answered struct {
	file    os.FileInfo
	version cluster.Version
}

// of asks a program that was not asked yet, or that is another file since.
func (v *versions) of(ctx context.Context, path string) (cluster.Version, error) {
	file, err := os.Stat(path)
	if err != nil {
		return versionOf(ctx, path) // which says best what is wrong
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if k, ok := v.known[path]; ok && os.SameFile(k.file, file) && k.file.ModTime().Equal(file.ModTime()) {
		return k.version, nil
	}
	version, err := versionOf(ctx, path)
	if err != nil {
		return version, err
	}
	if v.known == nil {
		v.known = map[string]answered{}
	}
	v.known[path] = answered{file, version}
	return version, nil
}

// versionOf asks an etcd for its version, by the name that members are called by: there are
// programs that are etcd by that name only.
func versionOf(ctx context.Context, path string) (cluster.Version, error) {
	cmd := exec.CommandContext(ctx, path)
	cmd.Args = []string{etcdProgram, "--version"}
	out, err := cmd.Output()
	if err != nil {
		return cluster.Version{}, fmt.Errorf("etcd-binary: cannot ask %s for its version, name an etcd that this machine can run: %w", path, err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	number, ok := strings.CutPrefix(line, versionLine)
	if !ok {
		return cluster.Version{}, fmt.Errorf("etcd-binary: %s is no etcd: asked for its version it says %q", path, line)
	}
	v, err := cluster.ParseVersion(number)
	if err != nil {
		return v, fmt.Errorf("etcd-binary: %w", err)
	}
	return v, nil
}

// programOf is the program that a process is, or becomes.
func programOf(m process.Member) string {
	if m.Args[0] == resolvingProgram {
		return m.Args[1]
	}
	return m.Path
}
