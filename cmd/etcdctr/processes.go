package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/stack"
)

// processes are a stack of local processes.
type processes struct {
	home     process.Home
	stack    process.Stack
	certsDir string
}

// processFolder holds the homes of all stacks of local processes, beside the
// cluster file.
const processFolder = ".etcdctr"

// processHome is the folder of the stack of that name, which may not have been
// checked yet.
func (f *clusterFlags) processHome(name string) (process.Home, error) {
	dir, err := filepath.Abs(filepath.Join(f.dir(), processFolder, filepath.Base(filepath.Clean("/"+name))))
	if err != nil {
		return process.Home{}, fmt.Errorf("cannot find the current folder: %w", err)
	}
	return process.Home{Dir: dir}, nil
}

// processes finds the stack that the flags name if it is one of local
// processes, running or not, and gives nil otherwise.
func (f *clusterFlags) processes(a *app) (*processes, error) {
	p, err := f.keptProcesses(a)
	if p == nil || err != nil {
		return nil, err
	}
	if _, err := p.home.State(); errors.Is(err, process.ErrNoStack) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return p, nil
}

// keptProcesses finds it also when it is down and nothing but its data is there.
func (f *clusterFlags) keptProcesses(a *app) (*processes, error) {
	spec, mistakes, err := f.spec(a)
	if err := errors.Join(append(mistakes, err)...); err != nil {
		return nil, usage(err)
	}
	home, err := f.processHome(spec.ClusterName())
	if err != nil {
		return nil, err
	}
	s, err := home.Stack()
	if errors.Is(err, process.ErrNoStack) {
		return nil, nil
	}
	return &processes{home: home, stack: s, certsDir: f.certificates()}, err
}

func (*processes) close() {}

func (p *processes) name() string { return p.stack.Name }

// cluster is the cluster as it runs. A discovery service has done its work by
// then; names that members go by stay.
func (p *processes) cluster() (*cluster.Cluster, error) {
	spec := cluster.Spec{Name: p.stack.Name}
	for _, m := range p.stack.Members {
		spec.TLS = string(tlsModeOf(m.Env))
		if spec.DiscoveryDomain = settingIn(m.Env, "discovery-srv"); spec.DiscoveryDomain != "" {
			spec.Bootstrap = string(cluster.ByDNS)
		}
		spec.Members.List = append(spec.Members.List, cluster.MemberSpec{
			Name: m.Name, ClientPort: strconv.Itoa(clientPort(m)),
		})
	}
	return cluster.Resolve(spec, cluster.InProcesses(p.home.Dir, p.certsDir))
}

// clientAddress is where a member, or a service, listens for clients.
func clientAddress(m process.Member) netip.AddrPort {
	for address, use := range m.Addresses {
		at, err := netip.ParseAddrPort(address)
		if err == nil && (use == clientPortUse || use == dnsPortUse) {
			return at
		}
	}
	return netip.AddrPort{}
}

func clientPort(m process.Member) int { return int(clientAddress(m).Port()) }

// localURL is where this machine's clients reach a member that is a process of
// it. Others may call it by a name that only they know.
func localURL(m cluster.Member) string {
	first, _, _ := strings.Cut(m.Settings.Get("listen-client-urls"), ",")
	return first
}

// dialLocally knows the members' names, which are all this machine's.
func dialLocally(c *cluster.Cluster) health.Dial {
	names := hostNames(c)
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if host, port, err := net.SplitHostPort(address); err == nil && names[host] != "" {
			address = net.JoinHostPort("127.0.0.1", port)
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
}

// reach gives the way to the members, which is that of any client.
func (p *processes) reach() (*running, error) {
	c, err := p.cluster()
	if err != nil {
		return nil, err
	}
	r := &running{cluster: c, promised: c, processes: p, dial: dialLocally(c)}
	r.tls, err = clusterTLS(c, p.certsDir)
	return r, err
}

// choose gives the named members, or all; wrong names are reported together.
func (p *processes) choose(names []string) ([]process.Member, error) {
	if len(names) == 0 {
		return p.stack.Members, nil
	}
	var chosen []process.Member
	var errs []error
	for _, name := range names {
		m, ok := process.Find(p.stack.Members, name)
		if !ok {
			errs = append(errs, fmt.Errorf("%s has no member %q: it has %s", p.stack.Name, name, strings.Join(memberNames(p.stack.Members), ", ")))
			continue
		}
		chosen = append(chosen, m)
	}
	return chosen, usage(errors.Join(errs...))
}

func memberNames(members []process.Member) []string {
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = m.Name
	}
	return names
}

// sayDone tells what was done to the named members, or to the whole stack.
func (p *processes) sayDone(a *app, names []string, done string) {
	switch len(names) {
	case 0:
		a.say("%s is %s", p.stack.Name, done)
	case 1:
		a.say("%s is %s", names[0], done)
	default:
		a.say("%s are %s", strings.Join(names, ", "), done)
	}
}

func (p *processes) stop(ctx context.Context, a *app, names []string) error {
	chosen, err := p.choose(names)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		err = p.home.Shutdown(ctx, false)
	} else {
		err = p.home.Stop(ctx, 0, memberNames(process.LeaderLast(ctx, chosen))...)
	}
	if err == nil {
		p.sayDone(a, names, "stopped")
	}
	return err
}

func (p *processes) start(ctx context.Context, a *app, names []string) error {
	chosen, err := p.choose(names)
	if err != nil {
		return err
	}
	s, err := p.home.State()
	if err != nil {
		return err
	}
	switch {
	case s.Running:
		if err = p.home.Start(ctx, memberNames(chosen)...); err == nil {
			err = p.waitServing(ctx, chosen, defaultWaitTimeout)
		}
	case len(names) > 0:
		return fmt.Errorf("%s is stopped as a whole: `etcdctr start` starts all of its members", p.stack.Name)
	default:
		if err = p.launch(ctx); err == nil {
			err = p.waitFormed(ctx, defaultWaitTimeout)
		}
	}
	if err == nil {
		p.sayDone(a, names, "started")
	}
	return err
}

// launch starts the stack in the background.
func (p *processes) launch(ctx context.Context) error {
	cmd, err := supervisorCommand()
	if err != nil {
		return err
	}
	return p.home.Launch(ctx, p.stack, cmd)
}

// restart takes the leader last, so that it moves once at most.
func (p *processes) restart(ctx context.Context, a *app, names []string) error {
	chosen, err := p.choose(names)
	if err != nil {
		return err
	}
	for _, m := range process.LeaderLast(ctx, chosen) {
		if err := errors.Join(p.home.Stop(ctx, 0, m.Name), p.home.Start(ctx, m.Name)); err != nil {
			return err
		}
		if err := p.waitServing(ctx, []process.Member{m}, defaultWaitTimeout); err != nil {
			return err
		}
	}
	p.sayDone(a, names, "restarted")
	return nil
}

func (p *processes) down(ctx context.Context, a *app, may consent) error {
	volumes := may != nil
	if volumes {
		if err := may(ctx, p.stack.Name, []string{p.home.Dir}); err != nil {
			return err
		}
	}
	if err := p.home.Shutdown(ctx, volumes); err != nil && !errors.Is(err, process.ErrNoStack) {
		return err
	}
	if err := p.home.Remove(ctx, volumes); err != nil {
		return err
	}
	if volumes {
		a.say("%s is gone, its data in %s too", p.stack.Name, p.home.Dir)
	} else {
		a.say("%s is down, and its data is kept in %s", p.stack.Name, p.home.Dir)
	}
	return nil
}

func (p *processes) list(ctx context.Context) ([]containerInfo, error) {
	s, err := p.home.State()
	if err != nil {
		return nil, err
	}
	serving := p.serving(ctx)
	var infos []containerInfo
	for i, m := range s.Members {
		infos = append(infos, processInfo(p.stack.Members[i], m, stack.Member, serving[m.Name]))
	}
	for i, m := range s.Services {
		infos = append(infos, processInfo(p.stack.Services[i], m, m.Name, ""))
	}
	return infos, nil
}

func processInfo(of process.Member, m process.MemberState, role, health string) containerInfo {
	return containerInfo{
		Name: m.Name, Service: m.Name, Role: role, Image: programOf(of),
		Status: string(m.Status), Health: health, Detail: processDetail(m, health, time.Now()),
		Ports: []string{clientAddress(of).String()},
	}
}

// processDetail says of a process what Docker says of a container.
func processDetail(m process.MemberState, health string, now time.Time) string {
	age := units.HumanDuration(now.Sub(m.Since))
	switch m.Status {
	case process.Running:
		detail := fmt.Sprintf("Up %s, process %d", age, m.Process.PID)
		if health != "" {
			detail = fmt.Sprintf("Up %s (%s), process %d", age, health, m.Process.PID)
		}
		if m.Restarts > 0 {
			detail += fmt.Sprintf(", %s, last %s", plural(m.Restarts, "restart"), m.LastExit)
		}
		return detail
	case process.Restarting:
		return fmt.Sprintf("Restarting: ended %s ago (%s)", age, m.LastExit)
	case process.Orphaned:
		return fmt.Sprintf("Orphaned: process %d has no supervisor; start or stop the stack", m.Process.PID)
	case process.Lost:
		return "Lost: killed together with its supervisor; start the stack again"
	default:
		return fmt.Sprintf("Stopped %s ago (%s)", age, orNone(strings.Fields(m.LastExit)))
	}
}

func (p *processes) logs(ctx context.Context, a *app, names []string, o stack.LogOptions) error {
	chosen, err := p.choose(names)
	if err != nil {
		return err
	}
	options, err := processLogOptions(names, o, a.now())
	if err != nil {
		return err
	}
	shown := memberNames(chosen)
	if len(names) == 0 {
		shown = append(shown, process.SupervisorLog)
	}
	lines := newMemberLines(a.out, shown)
	if err := p.home.Logs(ctx, options, func(l process.Line) { lines.print(l.Member, l.Text) }); err != nil {
		return err
	}
	return ctx.Err()
}

// processLogOptions reads the options as the engine reads them for containers.
func processLogOptions(members []string, o stack.LogOptions, now time.Time) (process.LogOptions, error) {
	options := process.LogOptions{Members: members, Follow: o.Follow, Tail: -1}
	var errs []error
	if o.Tail != "" && o.Tail != "all" {
		n, err := strconv.Atoi(o.Tail)
		if err != nil || n < 0 {
			errs = append(errs, fmt.Errorf("--tail must be a number of lines, not %q", o.Tail))
		}
		options.Tail = n
	}
	if o.Since != "" {
		age, err := time.ParseDuration(o.Since)
		options.Since = now.Add(-age)
		if err != nil {
			if options.Since, err = time.Parse(time.RFC3339, o.Since); err != nil {
				errs = append(errs, fmt.Errorf("--since must be a duration such as 10m or a time in RFC 3339, not %q", o.Since))
			}
		}
	}
	return options, usage(errors.Join(errs...))
}
