package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/unlinked"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/datadir"
)

// Observe reads the cluster's folder, and asks its supervisor whether it lives.
func (r *Runtime) Observe(_ context.Context, name string) (*runtime.State, error) {
	if err := itself(); err != nil {
		return nil, err
	}
	home := r.home(name)
	stack, err := home.Stack()
	if errors.Is(err, process.ErrNoStack) {
		return r.onlyStaged(name)
	}
	if err != nil {
		return nil, err
	}
	state, err := home.State()
	if err != nil && !errors.Is(err, process.ErrNoStack) {
		return nil, err
	}
	s := &runtime.State{
		Name: stack.Name, Runtime: r.Name(), Folder: filepath.Dir(r.o.Folder),
		CertsDir: stack.Notes[certsNote], Wish: stack.Notes[wishNote],
	}
	for _, m := range stack.Members {
		one := server(m, runtime.Member, stateOf(state.Members, m.Name))
		one.Lent = isLent(home, m.DataDir)
		if stack.Ephemeral {
			one.Data, one.DataAt = runtime.Volatile, ""
		}
		s.Servers = append(s.Servers, one)
	}
	for _, m := range stack.Services {
		s.Servers = append(s.Servers, server(m, runtime.Service, stateOf(state.Services, m.Name)))
	}
	s.Servers = append(s.Servers, leftovers(home, s)...)
	s.Servers = append(s.Servers, r.lentLeft(name, s)...)
	tellData(s.Servers)
	if !state.Running { // a supervisor that answers is where it was started
		r.tellAstray(name, s.Servers)
	}
	slices.SortStableFunc(s.Servers, func(a, b runtime.Server) int { return strings.Compare(a.Name, b.Name) })
	s.Aside, _ = r.allAside(name, stack) // of a folder that can't be read AllAside says why
	return s, nil
}

// tellAstray says of members that failed that their folder was moved, where it was.
func (r *Runtime) tellAstray(name string, servers []runtime.Server) {
	why, _ := r.Astray(name)
	for i := range servers {
		if x := &servers[i]; why != "" && x.Status == runtime.Failed {
			x.Detail = why
		}
	}
}

// Astray tells of a folder that was moved while its members run: their supervisor is asked
// by a name in there.
func (r *Runtime) Astray(name string) (why, remedy string) {
	moved := r.home(name).Moved()
	if moved == nil {
		return "", ""
	}
	return fmt.Sprintf("what runs them takes no orders since it was moved here from %s", moved.MovedFrom),
		fmt.Sprintf("`kill %d` ends its members in order, and `etcdctr up` starts them from here", moved.Supervisor.PID)
}

// stateOf is nil for one that nobody has run since it was described.
func stateOf(states []process.MemberState, name string) *process.MemberState {
	i := slices.IndexFunc(states, func(m process.MemberState) bool { return m.Name == name })
	if i < 0 {
		return nil
	}
	return &states[i]
}

func server(m process.Member, role runtime.Role, state *process.MemberState) runtime.Server {
	s := runtime.Server{
		Name: m.Name, Role: role, Settings: cluster.SettingsIn(m.Env), Release: m.Version, Program: programOf(m),
		Status: runtime.Absent, Data: dataIn(m.DataDir), DataAt: m.DataDir,
	}
	if at := clientAddress(m); at.IsValid() {
		s.Published = []string{at.String()}
	}
	if state != nil {
		s.Status, s.Since, s.Restarts = status(state.Status), state.Since, state.Restarts
		s.Detail, s.Emptied = detail(*state), state.Status == process.Emptied
	}
	if s.Status == runtime.Running && state.Process.Frozen() {
		s.Status, s.Detail = runtime.Paused, fmt.Sprintf("process %d was stopped by a signal", state.Process.PID)
	}
	if role == runtime.Member && !s.Runs() && (state == nil || !state.Process.Alive()) {
		s.Error = portTaken(m)
	}
	if s.Runs() && s.Data == runtime.None {
		s.Data = runtime.Unknown // etcd makes its log when it has found the others
		s.Unlinked = state.Process.Alive() && unlinked.Log(state.Process.PID)
	}
	return s
}

// portTaken says, in the system's words, that something else listens where a member
// that does not run is to; empty if nothing does. To dial disturbs nobody, and to
// listen might the member's own start.
func portTaken(m process.Member) string {
	for _, address := range slices.Sorted(maps.Keys(m.Addresses)) {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			continue
		}
		conn.Close()
		return fmt.Sprintf("listen tcp %s: bind: address already in use", address)
	}
	return ""
}

func status(s process.Status) runtime.Status {
	switch s {
	case process.Running:
		return runtime.Running
	case process.Restarting:
		return runtime.Restarting
	case process.Stopped:
		return runtime.Stopped
	case process.Left:
		return runtime.Ended
	}
	return runtime.Failed
}

// detail tells what a status does not.
func detail(m process.MemberState) string {
	switch m.Status {
	case process.Running:
		text := fmt.Sprintf("process %d", m.Process.PID)
		if m.Restarts > 0 {
			text += ", last " + m.LastExit
		}
		return text
	case process.Orphaned:
		return fmt.Sprintf("process %d has no supervisor", m.Process.PID)
	case process.Lost:
		return "killed together with its supervisor"
	case process.Emptied:
		return "its data is gone, and before that it ended by " + m.LastExit
	case process.Stopped:
		if m.LastExit != "" { // by a signal, which says nothing
			return "by etcdctr"
		}
	}
	return m.LastExit
}

// onlyStaged is what there is of a cluster that nobody has described yet: members whose
// data a restoration has begun to make.
func (r *Runtime) onlyStaged(name string) (*runtime.State, error) {
	s := &runtime.State{Name: name, Runtime: r.Name(), Folder: filepath.Dir(r.o.Folder)}
	s.Servers = leftovers(r.home(name), s)
	if !slices.ContainsFunc(s.Servers, func(x runtime.Server) bool { return isStaged(x.DataAt) }) {
		return nil, &runtime.NotFoundError{Name: name}
	}
	slices.SortFunc(s.Servers, func(a, b runtime.Server) int { return strings.Compare(a.Name, b.Name) })
	return s, nil
}

// tellData says of members that are not there where the data is that they have left.
func tellData(servers []runtime.Server) {
	for i := range servers {
		if s := &servers[i]; s.Status == runtime.Absent && s.Data == runtime.Kept && s.DataAt != "" {
			s.Detail = "data in " + s.DataAt
		}
	}
}

// isStaged tells whether data is there that is to take the place of what a member has.
func isStaged(dir string) bool {
	_, err := os.Stat(filepath.Join(dir+fillingSuffix, filepath.FromSlash(runtime.MarkFile)))
	return err == nil
}

// leftovers are members that are described no more, or not yet, and whose data is there,
// or is about to be.
func leftovers(home process.Home, s *runtime.State) []runtime.Server {
	left := map[string]runtime.Server{}
	for _, suffix := range []string{"", fillingSuffix} {
		folders, err := filepath.Glob(filepath.Join(home.Dir, "*", dataFolder+suffix))
		if err != nil {
			return nil // the pattern is a good one
		}
		for _, folder := range folders {
			dir := strings.TrimSuffix(folder, suffix)
			name, data := filepath.Base(filepath.Dir(dir)), dataIn(dir)
			if _, known := s.Server(name); !known && (data == runtime.Kept || isStaged(dir)) {
				left[name] = runtime.Server{Name: name, Role: runtime.Member, Status: runtime.Absent, Data: data, DataAt: dir}
			}
		}
	}
	return slices.Collect(maps.Values(left))
}

// dataFolder is where a member's data is, below its own folder.
const dataFolder = "data"

// Data looks for etcd's log, which is there from the moment on that a member has
// started in its cluster.
func (r *Runtime) Data(_ context.Context, name, server string) (runtime.Data, error) {
	stack, err := r.home(name).Stack()
	if err == nil && stack.Ephemeral {
		return runtime.Volatile, nil
	}
	dir, err := r.dataDir(name, server)
	if err != nil {
		return runtime.Unknown, err
	}
	return dataIn(dir), nil
}

// dataDir is where a server's data is, or would be.
func (r *Runtime) dataDir(name, server string) (string, error) {
	home := r.home(name)
	stack, err := home.Stack()
	if err != nil && !errors.Is(err, process.ErrNoStack) {
		return "", err
	}
	if m, ok := process.Find(slices.Concat(stack.Members, stack.Services), server); ok {
		return m.DataDir, nil
	}
	if dir, ok := r.lentTo(name, server); ok {
		return dir, nil
	}
	return filepath.Join(home.Dir, filepath.Base(server), dataFolder), nil
}

var _ runtime.Looker = (*Runtime)(nil)

// Blank looks into the database.
func (r *Runtime) Blank(_ context.Context, name, server string) (bool, error) {
	dir, err := r.dataDir(name, server)
	if err != nil {
		return false, err
	}
	l, err := datadir.Of(dir)
	return l.Blank, err
}

func dataIn(dir string) runtime.Data {
	if hasLog(dir) {
		return runtime.Kept
	}
	return runtime.None
}

// DataSize is that of the file on this machine.
func (r *Runtime) DataSize(_ context.Context, name, server string) (int64, error) {
	dir, err := r.dataDir(name, server)
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(filepath.Join(dir, "member", "snap", "db"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// hasLog tells that a member's write-ahead log is there. What can't be looked at
// counts as there.
func hasLog(dir string) bool {
	segments, err := os.ReadDir(filepath.Join(dir, "member", "wal"))
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	return err != nil || slices.ContainsFunc(segments, func(e fs.DirEntry) bool { return filepath.Ext(e.Name()) == ".wal" })
}

// Reach knows the members' names, which only they themselves know.
func (r *Runtime) Reach(_ context.Context, have *runtime.State) (runtime.Way, error) {
	plain := unproven(have.Members())
	listens := map[string]string{} // by host as advertised
	for _, m := range have.Members() {
		for _, pair := range [][2]string{
			{"advertise-client-urls", "listen-client-urls"}, {"initial-advertise-peer-urls", "listen-peer-urls"},
		} {
			listens[hostname(m.Settings.Get(pair[0]))] = hostname(m.Settings.Get(pair[1]))
		}
	}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if host, port, err := net.SplitHostPort(address); err == nil && listens[host] != "" {
			address = net.JoinHostPort(listens[host], port)
		}
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if server := plain[address]; err == nil && server != "" {
			err = r.checkListener(ctx, have.Name, server, address)
		}
		if err != nil && conn != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return conn, err
	}
	return runtime.Way{Dial: dial, Direct: true, Open: true, Close: func() error { return nil }}, nil
}

// hostname is the first host in a list of URLs.
func hostname(urls string) string {
	first, _, _ := strings.Cut(urls, ",")
	u, err := url.Parse(first)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// Logs reads what the servers have said, from their files.
func (r *Runtime) Logs(ctx context.Context, name string, o runtime.LogOptions, line func(runtime.Line)) error {
	home := r.home(name)
	stack, err := home.Stack()
	if errors.Is(err, process.ErrNoStack) {
		return &runtime.NotFoundError{Name: name}
	}
	if err != nil {
		return err
	}
	began := map[string]time.Time{}
	if o.ThisStart {
		state, err := home.State()
		if err != nil && !errors.Is(err, process.ErrNoStack) {
			return err
		}
		for _, m := range slices.Concat(state.Members, state.Services) {
			began[m.Name] = m.Began
		}
	}
	names := o.Servers
	if len(names) == 0 {
		names = serverNames(stack)
	}
	for _, n := range names {
		if _, ok := process.Find(slices.Concat(stack.Members, stack.Services), n); !ok {
			return fmt.Errorf("%s has no server %s: it has %s", name, n, strings.Join(serverNames(stack), ", "))
		}
	}
	return home.Logs(ctx, process.LogOptions{Members: names, Since: o.Since, Tail: o.Tail, Follow: o.Follow}, func(l process.Line) {
		if !l.Time.Before(began[l.Member]) {
			line(runtime.Line{Server: l.Member, Time: l.Time, Text: l.Text})
		}
	})
}

func serverNames(s process.Stack) []string {
	var names []string
	for _, m := range slices.Concat(s.Members, s.Services) {
		names = append(names, m.Name)
	}
	return names
}
