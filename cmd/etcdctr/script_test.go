package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtime/local"
	"github.com/etcdctr/etcdctr/runtimes"
)

var updateScripts = flag.Bool("update-scripts", false, "rewrite the outputs that scripts compare with")

// TestMain lets the test binary be the program, under each of its names.
func TestMain(m *testing.M) {
	further, _ = strconv.Atoi(os.Getenv(envFurther)) // 0 if it is not set
	names := map[string]func(){"etcdctr": main, "etcd": main, "etcdctl": main, "etcdutl": main, "relay": main}
	for name := range local.Programs {
		names[name] = main
	}
	testscript.Main(m, names)
}

// TestScript runs every testdata/script/*.txtar: one file a verb, written as
// somebody would type it.
func TestScript(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       *updateScripts,
		Setup:               setUp,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"await": await, "engine": startEngine, "exits": exits, "conforms": conforms, "fill": fill, "hold": hold},
	})
}

// envFurther has a script's processes listen where no other script's do: a port of
// one that is stopped for a moment is nobody's.
const envFurther = "ETCDCTR_TEST_FURTHER"

// Two scripts share what two stacks of each take: both have half of a thousand ports, and
// the same half of the next.
const (
	firstFurther, secondStack = 3000, 1000
	mostScripts               = 2 * ((etcdtest.FirstPort - cluster.ClientPort - firstFurther) / (2 * secondStack))
)

var (
	scripts        atomic.Int32
	portsOfAScript = make(chan struct{}, mostScripts)
)

// setUp gives a script ports of its own, of which it names some PORT1 to PORT3. The one
// after each is its own, too.
func setUp(env *testscript.Env) error {
	further, err := claimPorts(env)
	if err != nil {
		return err
	}
	env.Setenv(envFurther, strconv.Itoa(further))
	for i := 1; i <= 3; i++ {
		const between = 50 // those that members are given
		env.Setenv(fmt.Sprintf("PORT%d", i), strconv.Itoa(cluster.ClientPort+further+i*100-between))
	}
	env.Setenv("DOCKER_HOST", "unix://"+env.WorkDir+"/no-engine.sock")                   // whatever this machine has
	env.Setenv("ETCD_RELEASE", strings.TrimPrefix(cluster.DefaultVersion.String(), "v")) // what runs where nothing is said
	endProcesses(env)
	return nil
}

// claimPorts gives how far from etcd's usual ports those begin that a script has for
// itself until it ends, also beside another run of these tests on the same machine:
// who listens on the port before them has them. A second stack of a script finds its ports
// held, and goes a thousand further.
func claimPorts(env *testscript.Env) (further int, err error) {
	portsOfAScript <- struct{}{} // where there are so many processors, some wait
	env.Defer(func() { <-portsOfAScript })
	for range mostScripts {
		n := int(scripts.Add(1) % mostScripts)
		further = firstFurther + n/2*2*secondStack + n%2*secondStack/2
		l, errListen := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", cluster.ClientPort+further-1))
		if err = errListen; err == nil {
			env.Defer(func() { l.Close() })
			return further, nil
		}
	}
	return 0, fmt.Errorf("no ports are free: %w", err)
}

// hold is another command that changes a cluster of processes until it is let go of.
func hold(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] hold CLUSTER")
	}
	key := ts.MkAbs(args[0])
	if neg {
		release, _ := held.LoadAndDelete(key)
		ts.Check(release.(func() error)())
		return
	}
	release, err := local.New(local.Options{Folder: ts.MkAbs(runtimes.ProcessFolder)}).Lock(context.Background(), args[0], nil)
	ts.Check(err)
	held.Store(key, release)
}

// held is what lets go of the clusters that scripts hold.
var held sync.Map

// fill puts the values of the environment into files.
func fill(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: fill FILE...")
	}
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// endProcesses ends what a script has left running, whatever became of it.
func endProcesses(env *testscript.Env) {
	env.Defer(func() {
		homes, err := filepath.Glob(filepath.Join(env.WorkDir, runtimes.ProcessFolder, "*"))
		if err != nil {
			env.T().Fatal(err)
		}
		for _, dir := range homes {
			_ = process.Home{Dir: dir}.Shutdown(context.Background(), true) // there may be none
		}
	})
}

// await runs a command until it succeeds.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: await COMMAND [ARGUMENT...]")
	}
	for deadline := time.Now().Add(time.Minute); ts.Exec(args[0], args[1:]...) != nil; {
		if time.Now().After(deadline) {
			ts.Fatalf("waited in vain for %q", args)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// exits runs a command and wants it to end with a code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARGUMENT...]")
	}
	code := 0
	if exit := (*exec.ExitError)(nil); errors.As(ts.Exec(args[1], args[2:]...), &exit) {
		code = exit.ExitCode()
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("ended with %d, want %s", code, args[0])
	}
}
