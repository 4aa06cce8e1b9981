//go:build e2e && linux

package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
	"github.com/etcdctr/etcdctr/process"
)

// A program that thinks nothing of its own does what the doctor says, from
// ways in which a cluster can be broken: it ends with a healthy cluster that has
// everything that was acknowledged.

// ailment is a way in which a cluster can be broken.
type ailment struct {
	breaks func(*ailing)
	// describes is what the cluster file has besides size members; 0 for three.
	describes string
	size      int
	// honest is what the doctor says where no command puts it right; empty where
	// one does. Nothing may be lost either way.
	honest string
	// lost says that nobody has anything any more, and that the doctor says so.
	lost bool
	// differs says that what a member has is another than the others', so that all of it is
	// compared in the end.
	differs bool
}

// describe gives the members ports that nobody else has while they are stopped.
func (w ailment) describe(t *testing.T) string {
	t.Helper()
	text := "runtime: process\n" + w.describes + "members:\n"
	for i := range cmp.Or(w.size, 3) {
		text += fmt.Sprintf("- {name: etcd%d, client-port: %d}\n", i+1, memberPorts(t))
	}
	return text
}

// memberPorts gives a process its client port, and the two after it, which are for its
// peers and its metrics.
func memberPorts(t *testing.T) int {
	t.Helper()
	return etcdtest.FreePorts(t, 3)
}

// follow breaks a cluster in each way, and obeys the doctor.
func follow(t *testing.T, ways map[string]ailment) {
	t.Helper()
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of the time members wait for each other
			a := &ailing{local: newLocal(t), acknowledged: map[string]bool{}}
			writeFile(t, filepath.Join(a.dir, "etcdctr.yaml"), way.describe(t))
			a.etcdctr("up", "--detach")
			a.write("before", 50)
			way.breaks(a)
			a.write("broken", 20)
			last := a.obey()
			told := strings.Join(a.log, "\n")
			t.Logf("%+v after\n%s", last, told)
			switch {
			case way.honest != "":
				if last.Healthy || !strings.Contains(last.Cause+" "+last.ByHand, way.honest) {
					t.Errorf("the doctor does not say %q", way.honest)
				}
				a.wantKept()
			case !last.Healthy:
				t.Errorf("it is not healthy")
			case way.lost:
				if !strings.Contains(told, "nobody else has any data") {
					t.Error("that all is lost is not said")
				}
			default:
				a.wantAll()
				if way.differs {
					a.etcdctr("health", "--deep")
				}
			}
		})
	}
}

// ailing is a cluster that something is done to.
type ailing struct {
	*local
	acknowledged map[string]bool
	log          []string
}

type advice struct {
	Healthy, Looks                 bool
	Member, Cause, Command, ByHand string
	Warnings                       []string
}

// longestStart is how long a member may take to answer before the doctor wonders.
const longestStart = 35 * time.Second

// mostAdvice is how often advice is followed.
const mostAdvice = 12

// obey does what the doctor says until it says that all is well, or nothing that
// puts anything right. A member takes a moment to come to its failure, and a
// cluster to elect: what the doctor says counts once it says it twice.
func (a *ailing) obey() advice {
	a.t.Helper()
	var last advice
	for range mostAdvice {
		said := a.ask()
		for deadline := time.Now().Add(longestStart); time.Now().Before(deadline); {
			again := a.ask()
			settled := again.Command == said.Command && again.Healthy == said.Healthy && again.Cause == said.Cause
			if said = again; settled && (said.Healthy || said.Command != "" && !said.Looks) {
				break
			}
		}
		if last = said; said.Healthy || said.Command == "" || said.Looks {
			return last
		}
		if strings.HasPrefix(said.Command, "etcdctr recover") {
			said.Command += " --yes" // who is asked says yes
		}
		cmd := a.command("sh", "-c", "PATH="+filepath.Dir(etcdctrBinary(a.t))+":$PATH; "+said.Command)
		out, err := cmd.CombinedOutput()
		a.log = append(a.log, fmt.Sprintf("%s: %s\n  $ %s\n  %v %s", said.Member, said.Cause, said.Command, err, out))
	}
	return last
}

// ask asks the doctor, and health at the same time: they must not contradict
// each other. What changes between the two is asked again.
func (a *ailing) ask() advice {
	a.t.Helper()
	var said advice
	for range 10 {
		out, errDoctor := a.try("doctor", "--format", "json")
		said = advice{}
		if err := json.Unmarshal([]byte(out), &said); err != nil {
			a.t.Fatalf("the doctor says %q: %v, %v", out, err, errDoctor)
		}
		if said.Healthy != (errDoctor == nil) {
			a.t.Fatalf("exit code %v with %+v", errDoctor, said)
		}
		if _, errHealth := a.try("health"); (errHealth == nil) == said.Healthy {
			return said
		}
	}
	a.t.Errorf("health contradicts %+v", said)
	return said
}

// client is etcd's own, of all members that are described now.
func (a *ailing) client() *clientv3.Client {
	a.t.Helper()
	config := clientv3.Config{Logger: zap.NewNop(), DialTimeout: time.Second}
	stack, err := a.home().Stack()
	if err != nil {
		return nil
	}
	for _, m := range stack.Members {
		config.Endpoints = append(config.Endpoints, advertised(m))
	}
	if len(config.Endpoints) == 0 {
		return nil
	}
	if strings.HasPrefix(config.Endpoints[0], "https:") {
		config.TLS = etcdctr.Unverified()
		if own, err := etcdctr.ClientTLS(certs.ClientDir(filepath.Join(a.dir, "certs"), etcdctr.AdminClient)); err == nil {
			config.TLS = own
		}
	}
	c, err := clientv3.New(config)
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

// advertised is where clients reach a member.
func advertised(m process.Member) string {
	for _, variable := range m.Env {
		if url, ok := strings.CutPrefix(variable, "ETCD_ADVERTISE_CLIENT_URLS="); ok {
			return url
		}
	}
	return ""
}

// write writes keys, and remembers those that are acknowledged. It gives up at the
// first that is not.
func (a *ailing) write(prefix string, n int) {
	a.t.Helper()
	c := a.client()
	if c == nil {
		return
	}
	defer c.Close()
	for i := range n {
		key := fmt.Sprintf("%s/%d", prefix, i)
		ctx, cancel := context.WithTimeout(a.t.Context(), 2*time.Second)
		_, err := c.Put(ctx, key, key)
		cancel()
		if err != nil {
			return
		}
		a.acknowledged[key] = true
	}
}

// wantAll wants everything that was acknowledged, and that the cluster takes more.
func (a *ailing) wantAll() {
	a.t.Helper()
	c := a.client()
	defer c.Close()
	ctx, cancel := context.WithTimeout(a.t.Context(), 30*time.Second)
	defer cancel()
	for key := range a.acknowledged {
		r, err := c.Get(ctx, key)
		if err != nil || len(r.Kvs) != 1 || string(r.Kvs[0].Value) != key {
			a.t.Errorf("%s is lost: %v %v", key, r, err)
		}
	}
	if _, err := c.Put(ctx, "after", "after"); err != nil {
		a.t.Errorf("it takes nothing: %v", err)
	}
	if len(a.acknowledged) < 50 {
		a.t.Errorf("only %d writes were acknowledged", len(a.acknowledged))
	}
}
