//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"os"
	"os/exec"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// What the fixture does with the process that uses it, and with that process's
// environment, takes a process: the test binary itself, told to be a program
// with a cluster.

// envProgram makes the test binary such a program. It holds the program's
// cluster.Spec. The other gives the cluster a name to be shared under.
const (
	envProgram = "ETCDCTR_E2E_PROGRAM"
	envShared  = "ETCDCTR_E2E_PROGRAM_SHARED"
)

// running is what the program says of its cluster.
type running struct {
	Name      string
	Network   string
	Endpoints []string
}

// programMain has a cluster until its standard input ends.
func programMain() error {
	var spec cluster.Spec
	if err := json.Unmarshal([]byte(os.Getenv(envProgram)), &spec); err != nil {
		return err
	}
	ctx := context.Background()
	shared := os.Getenv(envShared)
	etcd, err := Run(ctx, WithSpec(spec), WithReuseByName(shared))
	defer func() {
		if shared != "" {
			return
		}
		if err := etcd.Terminate(ctx); err != nil {
			log.Print(err)
		}
	}()
	if err != nil {
		return err
	}
	if _, err := etcd.Client.Put(ctx, "key", "value"); err != nil {
		return err
	}
	err = json.NewEncoder(os.Stdout).Encode(running{Name: etcd.Name, Network: etcd.Network(), Endpoints: etcd.Endpoints()})
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// program is one that runs.
type program struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.Closer
	out   io.Reader
	said  bytes.Buffer
}

// startProgram starts a program with a cluster of the given spec, and with
// variables in its environment.
func startProgram(t *testing.T, spec cluster.Spec, env ...string) *program {
	t.Helper()
	data, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(append(os.Environ(), env...), envProgram+"="+string(data))
	p.cmd.Stderr = &p.said
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if p.out, err = p.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.end()
		if t.Failed() {
			t.Logf("the program said:\n%s", tail(p.said.String()))
		}
	})
	return p
}

// wantRunning waits for the program's cluster.
func (p *program) wantRunning() running {
	p.t.Helper()
	var r running
	if err := json.NewDecoder(p.out).Decode(&r); err != nil {
		p.t.Fatalf("the program has no cluster: %v", err)
	}
	return r
}

// kill does not let the program clean up.
func (p *program) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	_ = p.cmd.Wait() // its error is the kill
}

// end lets the program clean up, unless it was killed.
func (p *program) end() {
	p.t.Helper()
	if p.cmd.ProcessState != nil {
		return
	}
	p.stdin.Close()
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the program: %v", err)
	}
}
