package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

func newEtcdctlCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "etcdctl [FLAGS THAT DESCRIBE THE CLUSTER] [--] ETCDCTL'S COMMAND AND FLAGS",
		Short: "Run etcdctl against the stack, though it publishes no port",
		Long: `etcdctl runs the real etcdctl, which this program carries, with the stack's
endpoints and its admin client's certificate. Members are named as they name
each other, and reached through the Docker API where there is no other way, see
connect. etcdctl's own flags win: an endpoint outside the stack is dialled from
this machine.`,
		Example: `  etcdctr etcdctl member list
  etcdctr etcdctl --name orders endpoint status --cluster -w table
  etcdctr etcdctl put greeting hello
  etcdctr etcdctl watch --prefix ""`,
		DisableFlagParsing: true, // most of them are etcdctl's
	}
	flags := addFindingFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		own, rest := splitArgs(cmd.Flags(), args)
		if len(own) == 0 && len(rest) > 0 && (rest[0] == "--help" || rest[0] == "-h") {
			return cmd.Help()
		}
		if err := cmd.Flags().Parse(own); err != nil {
			return usage(err)
		}
		return a.runEtcdctl(cmd.Context(), flags, rest)
	}
	return cmd
}

// splitArgs takes the leading flags that flags knows off args. etcdctl has none
// of the same names.
func splitArgs(flags *pflag.FlagSet, args []string) (own, rest []string) {
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return args[:i], args[i+1:]
		}
		name, _, hasValue := strings.Cut(args[i], "=")
		flag := lookup(flags, name)
		if flag == nil || flag.Name == "help" {
			return args[:i], args[i:]
		}
		if !hasValue && flag.NoOptDefVal == "" {
			i++ // its value
		}
	}
	return args, nil
}

func lookup(flags *pflag.FlagSet, arg string) *pflag.Flag {
	if name, long := strings.CutPrefix(arg, "--"); long {
		return flags.Lookup(name)
	}
	if short, ok := strings.CutPrefix(arg, "-"); ok && len(short) == 1 {
		return flags.ShorthandLookup(short)
	}
	return nil
}

func (a *app) runEtcdctl(ctx context.Context, f *clusterFlags, args []string) error {
	c, err := f.find(ctx, a, working{})
	if err != nil {
		return err
	}
	defer c.close()
	way, err := c.Connect(ctx)
	if err != nil {
		return err
	}
	defer a.closeWay(way)
	open, err := forwardToMembers(ctx, way, loopback)
	defer open.close()
	if err != nil {
		return err
	}
	members := running(way)
	proxy, err := startProxy(members, way.Way.Dial)
	if err != nil {
		return err
	}
	defer proxy.close()
	endpoints := open.urls(members)
	if oneByOne(args) {
		endpoints = namedURLs(members, c.CertsDir())
	}
	vars, err := c.clientVariables(way, endpoints)
	if err != nil {
		return err
	}
	args = translateEndpoints(args, members, open)
	return a.runProgram(ctx, "etcdctl", args, append(etcdctlEnvironment(os.Environ(), vars, args), proxy.environment()...))
}

// loopback is any free port of this machine that other machines can't reach.
var loopback = netip.MustParseAddrPort("127.0.0.1:0")

// oneByOne reports whether etcdctl, called like this, asks each endpoint by a client
// of its own and says which has answered. Members are called by their names then,
// which the proxy knows: see there why that is not so for other commands. One of
// them is --cluster, which asks for the members first.
func oneByOne(args []string) bool {
	if slices.ContainsFunc(args, func(arg string) bool { return arg == "--cluster" || strings.HasPrefix(arg, "--cluster=") }) {
		return false
	}
	for i, arg := range args {
		switch {
		case strings.HasPrefix(arg, "-"):
			continue
		case i > 0 && strings.HasPrefix(args[i-1], "-") && !strings.Contains(args[i-1], "="):
			continue // the value of a flag, most likely
		}
		return arg == "defrag" || arg == "endpoint"
	}
	return false
}

// namedURLs are those of the members by their names, as far as what they show
// answers to these.
func namedURLs(members []runtime.Server, certsDir string) []string {
	var urls []string
	for _, m := range members {
		u, err := url.Parse(m.ClientURL())
		if err == nil && (m.TLS() != cluster.Mutual || answersTo(certsDir, m.Name)) {
			u.Host = net.JoinHostPort(m.Name, u.Port())
			urls = append(urls, u.String())
			continue
		}
		urls = append(urls, m.ClientURL())
	}
	return urls
}

// answersTo reports whether a member's certificate is for its name: one that was
// made elsewhere may not be.
func answersTo(certsDir, member string) bool {
	cert, err := certs.LoadCertificate(filepath.Join(certsDir, "members", member, "server", certs.CertFile))
	return err == nil && cert.VerifyHostname(member) == nil
}

// translateEndpoints puts the members' addresses on this machine in the place
// of their own, in the flag --endpoints.
func translateEndpoints(args []string, members []runtime.Server, open listeners) []string {
	const flag = "--endpoints"
	args = slices.Clone(args)
	for i, arg := range args {
		if strings.HasPrefix(arg, flag+"=") || i > 0 && args[i-1] == flag {
			for n, m := range members {
				args[i] = strings.ReplaceAll(args[i], hostOf(m.ClientURL()), open[n].Addr().String())
			}
		}
	}
	return args
}

// etcdctlEnvironment is the caller's environment with vars in the place of his
// own, but for those that he gives as flags: etcdctl refuses to be told twice.
func etcdctlEnvironment(caller []string, vars []cluster.Variable, args []string) []string {
	env := slices.DeleteFunc(slices.Clone(caller), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		switch strings.ToUpper(name) {
		case "ETCDCTL_ENDPOINTS", "ETCDCTL_CACERT", "ETCDCTL_CERT", "ETCDCTL_KEY", "HTTPS_PROXY", "NO_PROXY":
			return true
		}
		return false
	})
	for _, v := range vars {
		flag := "--" + strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(v.Name, "ETCDCTL_")), "_", "-")
		if !slices.ContainsFunc(args, func(arg string) bool { return arg == flag || strings.HasPrefix(arg, flag+"=") }) {
			env = append(env, v.Name+"="+v.Value)
		}
	}
	return env
}

// runProgram runs this very binary under the name of one of the programs that
// it carries.
func (a *app) runProgram(ctx context.Context, name string, args, env []string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find this program's file: %w", err)
	}
	const patience = 5 * time.Second
	cmd := exec.CommandContext(ctx, self)
	cmd.Args = append([]string{name}, args...)
	cmd.Env = env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.in, a.out, a.errOut
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	err = cmd.Run()
	if ctx.Err() != nil {
		return exitStatus(exitInterrupted) // as it has said itself, if there was something to say
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exitStatus(exit.ExitCode())
	}
	return err
}
