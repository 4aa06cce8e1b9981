package adopt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/shirou/gopsutil/v4/process"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/internal/tarfolder"
	"github.com/etcdctr/etcdctr/lint"
	"github.com/etcdctr/etcdctr/runtime"
)

// Folders are members whose data is in folders of this machine, with the processes
// that run on them, if any: children of somebody's, or systemd units.
type Folders struct {
	// Dirs are data directories of etcd's.
	Dirs []string
}

var _ Foreign = (*Folders)(nil)

// Look reads the folders that nobody has open, and finds the processes that have
// the others.
func (f *Folders) Look(ctx context.Context) (*Stack, error) {
	s := &Stack{Name: strings.Join(f.Dirs, ","), Runtime: cluster.Process}
	processes, err := etcds(ctx)
	if err != nil {
		return nil, err
	}
	for _, dir := range f.Dirs {
		i := slices.IndexFunc(processes, func(p running) bool { return same(p.dir, dir) })
		var m Member
		if i >= 0 {
			if processes[i].contained {
				return nil, fmt.Errorf("%s: %w: process %d: name that container instead", dir, errContained, processes[i].Pid)
			}
			m = processes[i].member()
			s.Described = append(s.Described, processes[i].described)
		} else if m, err = resting(dir); err != nil {
			return nil, err
		}
		if _, err := os.Stat(filepath.Join(dir, retiredFile)); err == nil {
			m.Retired = !m.Runs()
		}
		m.DataDir, m.DataAt = dir, dir
		if i >= 0 {
			m.LogDir = m.logDir(m.Settings.Get("wal-dir"), processes[i].home)
		}
		if m.HoldsV2, err = holdsV2(m); err != nil && !m.Runs() { // a log that is written may change under way
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		s.Members = append(s.Members, m)
	}
	return s, s.check()
}

// holdsV2 looks for what the API v2 has written where etcd may know that API. Its settings
// tell nothing of it: a member without enable-v2 takes along what is there.
func holdsV2(m Member) (bool, error) {
	if v, err := cluster.ParseVersion(m.Release); err == nil && v.Minor > 5 {
		return false, nil
	}
	return backup.HoldsV2(m.DataDir, m.LogDir)
}

// retiredFile notes in a data directory that its data was adopted.
const retiredFile = "adopted-by-etcdctr"

// same tells whether two paths are of one folder.
func same(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// errNoLog is the error of a folder whose member had its log elsewhere.
var errNoLog = errors.New("the write-ahead log of its member is not there: if etcd ran with --wal-dir, link that folder to member/wal in this one (ln -s), where it is read")

// resting is the member of a folder that no process has.
func resting(dir string) (Member, error) {
	who, err := backup.Identify(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if _, errData := os.Stat(filepath.Join(dir, "member", "snap", "db")); errData == nil {
			return Member{}, fmt.Errorf("%s: %w", dir, errNoLog)
		}
		return Member{}, fmt.Errorf("%s: %w, nor the data of one", dir, ErrNothing)
	}
	if err != nil {
		return Member{}, fmt.Errorf("%s: %w", dir, err)
	}
	m := Member{Server: runtime.Server{
		Name: who.Member.Name, Role: runtime.Member, Status: runtime.Stopped, Detail: "stopped", Data: runtime.Kept,
		Release: cluster.KnownPatches[who.Minor].String(),
		Settings: cluster.Settings{
			{Name: "name", Value: who.Member.Name},
			{Name: "data-dir", Value: dir},
			{Name: "advertise-client-urls", Value: strings.Join(who.Member.ClientURLs, ",")},
			{Name: "initial-advertise-peer-urls", Value: strings.Join(who.Member.PeerURLs, ",")},
			{Name: "initial-cluster", Value: initialCluster(who.Members)},
		},
	}}
	m.describe("localhost")
	return m, nil
}

func initialCluster(members []backup.Member) string {
	var all []string
	for _, m := range members {
		for _, u := range m.PeerURLs {
			all = append(all, m.Name+"="+u)
		}
	}
	return strings.Join(all, ",")
}

// errContained is the error of a folder that a container has, which may be started again by
// whoever has started it, and is reached otherwise than the processes of this machine.
var errContained = errors.New("a process in a container has it open")

// running is a process of etcd.
type running struct {
	*process.Process
	dir       string // its data directory, as it is found from here
	home      string // which it was started in
	contained bool   // it is in a container
	read      *lint.Member
	described *lint.Stack
}

// from is a path of a process as it is found from here: one in a container, or in a unit of
// systemd's, may have something else there than this program has.
func from(pid int32, dir string) string {
	if sharesWith(pid, "mnt") {
		return dir
	}
	return fmt.Sprintf("/proc/%d/root%s", pid, dir)
}

// sharesWith tells whether a process has a namespace of this program's; so it does where
// there are none, or it can't be seen.
func sharesWith(pid int32, namespace string) bool {
	theirs, errTheirs := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, namespace))
	ours, errOurs := os.Readlink("/proc/self/ns/" + namespace)
	return errTheirs != nil || errOurs != nil || theirs == ours
}

// etcds are the processes of etcd of this machine that can be looked into.
func etcds(ctx context.Context) ([]running, error) {
	all, err := process.ProcessesWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the processes of this machine: %w", err)
	}
	var found []running
	for _, p := range all {
		words, err := p.CmdlineSliceWithContext(ctx)
		if err != nil || len(words) == 0 || !strings.HasPrefix(filepath.Base(words[0]), "etcd") {
			continue
		}
		home, _ := p.CwdWithContext(ctx)                  // without, relative paths are not found
		environ, _ := p.EnvironWithContext(ctx)           // of others it can't be read
		name := fmt.Sprintf("process-%d/Procfile", p.Pid) // by which lint knows the form
		stacks, err := lint.Read([]lint.Input{{Name: name, Data: procfile(words, environ)}}, lint.Options{})
		if err != nil {
			continue // it is something else
		}
		for _, s := range stacks {
			for _, m := range s.Members {
				dir := m.DataDir()
				if !filepath.IsAbs(dir) {
					dir = filepath.Join(home, dir)
				}
				found = append(found, running{p, from(p.Pid, dir), home, !sharesWith(p.Pid, "pid"), m, s})
			}
		}
	}
	return found, nil
}

// procfile writes a process as a line of a Procfile, which lint reads.
func procfile(words, environ []string) []byte {
	var b strings.Builder
	b.WriteString("etcd:")
	for _, v := range environ {
		if name, value, ok := strings.Cut(v, "="); ok && strings.HasPrefix(name, "ETCD_") {
			fmt.Fprintf(&b, " %s=%s", name, compose.QuoteShell(value))
		}
	}
	for _, w := range words {
		b.WriteString(" " + compose.QuoteShell(strings.ReplaceAll(w, "\n", " ")))
	}
	return []byte(b.String() + "\n")
}

func (p running) member() Member {
	m := Member{
		Server: runtime.Server{
			Name: p.read.Name(), Role: runtime.Member, Status: runtime.Running, Detail: fmt.Sprintf("process %d", p.Pid),
			Settings: p.read.Effective(),
		},
		id: fmt.Sprint(p.Pid),
	}
	if exe, err := p.Exe(); err == nil {
		m.Program, m.Release = exe, releaseOf(exe)
	}
	if created, err := p.CreateTime(); err == nil {
		m.Since = time.UnixMilli(created)
	}
	host := "127.0.0.1"
	for _, u := range urls(m.Settings.Get("listen-client-urls")) {
		if ip := net.ParseIP(u.Hostname()); ip != nil && !ip.IsUnspecified() {
			host = u.Hostname()
		}
	}
	m.describe(host)
	m.Apart = "" // they are on one machine
	return m
}

// releaseOf asks a program for its version.
func releaseOf(program string) string {
	ctx, cancel := context.WithTimeout(context.Background(), askVersion)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "--version")
	cmd.Args[0], cmd.Env = "etcd", []string{}
	out, err := cmd.Output()
	line, _, _ := strings.Cut(string(out), "\n")
	number, ok := strings.CutPrefix(line, "etcd Version: ")
	if err != nil || !ok {
		return ""
	}
	v, err := cluster.ReadVersion(number)
	if err != nil {
		return ""
	}
	return v.String()
}

const askVersion = 10 * time.Second

// Dial connects to a port of the member.
func (f *Folders) Dial(ctx context.Context, _ Member, url string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", addressOf(url))
}

// Meet notes which systemd units members are: one that leaves its cluster ends by
// itself, and nothing tells then whose it was. Else there is nothing to do, as all
// are on one machine.
func (f *Folders) Meet(ctx context.Context, _ string, members []Member) error {
	all, err := etcds(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range members {
		if i := slices.IndexFunc(all, func(p running) bool { return same(p.dir, m.DataDir) }); i >= 0 {
			errs = append(errs, noteUnit(m, unitOf(all[i].Pid)))
		}
	}
	return errors.Join(errs...)
}

func noteUnit(m Member, unit string) error {
	if unit == "" {
		return nil
	}
	if err := os.WriteFile(filepath.Join(m.DataDir, unitFile), []byte(unit+"\n"), 0o600); err != nil {
		return fmt.Errorf("note the unit of %s: %w", m.Name, err)
	}
	return nil
}

// Bring does nothing: all are on one machine.
func (f *Folders) Bring(context.Context, string, []Neighbor) error { return nil }

// Part does nothing: what Meet notes of a member is of use to whoever stops it later.
func (f *Folders) Part(context.Context, string) error { return nil }

// Start starts a systemd unit. Whoever started any other process knows how.
func (f *Folders) Start(ctx context.Context, m Member) error {
	unit := unitIn(m.DataDir)
	if unit == "" {
		return fmt.Errorf("%s was started by somebody else: start it as they did", m.Name)
	}
	return systemctl(ctx, "start", unit)
}

// Stop stops a process, or the systemd unit that it is.
func (f *Folders) Stop(ctx context.Context, m Member, grace time.Duration) error {
	all, err := etcds(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(p running) bool { return same(p.dir, m.DataDir) })
	if i < 0 {
		return nil
	}
	if unit := unitOf(all[i].Pid); unit != "" {
		if err := noteUnit(m, unit); err != nil {
			return err
		}
		return systemctl(ctx, "stop", unit)
	}
	if grace == 0 {
		grace = usualGrace
	}
	return end(ctx, all[i].Process, grace)
}

// usualGrace is how long etcd may take to end with streams that are open.
const usualGrace = 30 * time.Second

// end asks a process to end, and kills it after a while.
func end(ctx context.Context, p *process.Process, grace time.Duration) error {
	if err := p.SendSignalWithContext(ctx, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop process %d: %w", p.Pid, err)
	}
	patience := time.NewTimer(grace)
	defer patience.Stop()
	again := time.NewTicker(glance)
	defer again.Stop()
	for {
		if there, err := process.PidExistsWithContext(ctx, p.Pid); err != nil || !there || ended(p) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-patience.C:
			if err := p.KillWithContext(ctx); err != nil {
				return fmt.Errorf("kill process %d: %w", p.Pid, err)
			}
		case <-again.C:
		}
	}
}

const glance = 50 * time.Millisecond

// ended: its parent has not asked yet what became of it.
func ended(p *process.Process) bool {
	status, err := p.Status()
	return err == nil && slices.Contains(status, process.Zombie)
}

// unitFile notes in a data directory which systemd unit ran on it.
const unitFile = "unit-before-etcdctr"

func unitIn(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, unitFile))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// unitOf is the system's unit that a process is of; empty if it is of none.
func unitOf(pid int32) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil || goruntime.GOOS != "linux" {
		return ""
	}
	return unitNamed(string(text))
}

// unitNamed reads /proc/PID/cgroup: the innermost group is the unit's, in whatever
// slice, and below that of a container where systemd runs in one.
func unitNamed(cgroups string) string {
	for line := range strings.Lines(cgroups) {
		at := strings.TrimSpace(line)
		if strings.HasSuffix(at, ".service") && !strings.Contains(at, "/user.slice/") {
			return path.Base(at)
		}
	}
	return ""
}

func systemctl(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "systemctl", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("systemctl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// Retire notes in the folder that it was adopted, and stops and disables the unit
// that ran on it, which would start anew what has left its cluster.
func (f *Folders) Retire(ctx context.Context, name string, m Member) error {
	if unit := unitIn(m.DataDir); unit != "" {
		if err := systemctl(ctx, "disable", "--now", unit); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(m.DataDir, retiredFile), []byte(name+"\n"), 0o600); err != nil {
		return fmt.Errorf("note that %s was adopted: %w", m.Name, err)
	}
	return nil
}

// Data packs what etcd keeps.
func (f *Folders) Data(_ context.Context, m Member) (io.ReadCloser, error) {
	data, err := tarfolder.DataAndLog(m.DataDir, m.LogDir)
	if err != nil {
		return nil, fmt.Errorf("read the data of %s: %w", m.Name, err)
	}
	return data, nil
}

// Program is the one that the process runs, or ran.
func (f *Folders) Program(_ context.Context, m Member, _ string) (string, error) {
	return m.Program, nil
}

// Logs has nothing: whoever started a process reads what it says.
func (f *Folders) Logs(context.Context, []Member, runtime.LogOptions, func(runtime.Line)) error {
	return nil
}

// Forget leaves the folders.
func (f *Folders) Forget(_ context.Context, members []Member) ([]string, error) {
	var left []string
	for _, m := range members {
		left = append(left, "the folder "+m.DataDir)
	}
	return left, nil
}
