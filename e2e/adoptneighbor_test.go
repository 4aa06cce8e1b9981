//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// blogFile is a stack of three as blogs have it, with an application that finds them on the
// network of the project.
func blogFile() string {
	const endpoints = "http://etcd1:2379,http://etcd2:2379,http://etcd3:2379"
	var b strings.Builder
	b.WriteString("services:\n  shop:\n    image: %s\n    restart: always\n    environment: {ETCDCTL_ENDPOINTS: \"" + endpoints + "\"}\n    command: [etcdctl, watch, --prefix, orders/]\n")
	for i := range 3 {
		fmt.Fprintf(&b, `  etcd%[1]d:
    image: %%s
    command: >-
      etcd --name etcd%[1]d --data-dir /data
      --listen-client-urls http://0.0.0.0:2379 --advertise-client-urls http://etcd%[1]d:2379
      --listen-peer-urls http://0.0.0.0:2380 --initial-advertise-peer-urls http://etcd%[1]d:2380
      --initial-cluster etcd1=http://etcd1:2380,etcd2=http://etcd2:2380,etcd3=http://etcd3:2380
    volumes: ["d%[1]d:/data"]
`, i+1)
	}
	return b.String() + "volumes: {d1: {}, d2: {}, d3: {}}\n"
}

// writer writes from the container of an application, each time as a client that has just
// been started.
type writer struct {
	done   int
	failed []error
	stop   func()
}

func (s *theirs) write(container string) *writer {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan struct{})
	w := &writer{stop: func() { cancel(); <-ended }}
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			_, err := output(exec.CommandContext(ctx, "docker", "exec", container, "etcdctl", "put", "orders/1", fmt.Sprint(w.done)), "")
			switch {
			case ctx.Err() != nil:
			case err != nil:
				w.failed = append(w.failed, err)
			default:
				w.done++
			}
		}
	}()
	s.t.Cleanup(w.stop)
	return w
}

// networksOf are those that a container is on.
func (s *theirs) networksOf(container string) []string {
	s.t.Helper()
	return strings.Fields(run(s.t, s.dir, "docker", "inspect", "--format", "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}", container))
}

// TestAdoptTakesAnApplicationAlongThatSharesANetworkWithMembers has an application that
// reaches members by the names that they have on its network write throughout.
func TestAdoptTakesAnApplicationAlongThatSharesANetworkWithMembers(t *testing.T) {
	s := newTheirs(t, 5, etcdImage(t, 5), blogFile())
	names, shop := []string{"etcd1", "etcd2", "etcd3"}, s.old("shop")[0]
	before := s.fill(s.config(s.old(names...)...))
	to := s.name + "-etcd_cluster"
	if plan := s.adopt("--dry-run", "--image", s.ref, s.name); !strings.Contains(plan, "put on the network "+to+", too, before the first of them goes: "+shop) {
		t.Errorf("the plan does not say what becomes of %s:\n%s", shop, plan)
	}
	w := s.write(shop)
	time.Sleep(2 * time.Second)
	said := s.said("--yes", "--image", s.ref, s.name)
	w.stop()
	// A client that has just begun has no second try of a write at a member that ends.
	if len(w.failed) > len(names) {
		t.Errorf("%d writes failed beside %d: %v", len(w.failed), w.done, errors.Join(w.failed...))
	}
	t.Logf("%d writes, and %d failed: %v", w.done, len(w.failed), errors.Join(w.failed...))
	if want := "services: shop: {networks: [default, etcdctr]}; and under networks: etcdctr: {name: " + to + ", external: true}"; !strings.Contains(said, want) {
		t.Errorf("it does not say at its end %s:\n%s", want, said)
	}
	s.wantAdopted(before, true, names, names...)
	s.wantCommandsWork(said)
	s.program("verify")

	// What it says to write has the next container of the application find the members, too.
	file := readFile(t, filepath.Join(s.dir, "docker-compose.yml"))
	_, rest, _ := strings.Cut(file, "  etcd1:\n")
	_, rest, _ = strings.Cut(rest, "\nvolumes:")
	if rest == "" {
		t.Fatal("the file is otherwise")
	}
	services, _, _ := strings.Cut(file, "  etcd1:\n")
	writeFile(t, filepath.Join(s.dir, "docker-compose.yml"), services+"    networks: [default, etcdctr]\nnetworks:\n  etcdctr: {name: "+to+", external: true}\n")
	s.compose("up", "--detach", "--force-recreate", "shop")
	run(t, s.dir, "docker", "exec", shop, "etcdctl", "put", "orders/2", "paid")
	s.program("verify")                            // who takes the place of what was brought along belongs there too
	run(t, s.dir, "docker", "rm", "--force", shop) // the network goes with the cluster
	writeFile(t, filepath.Join(s.dir, "docker-compose.yml"), file)
}

// TestAdoptThatIsTakenBackLeavesAnApplicationWhereItWas has one fail after it has stopped all
// members, for the etcd that is to read what they hold does not run.
func TestAdoptThatIsTakenBackLeavesAnApplicationWhereItWas(t *testing.T) {
	s := newTheirs(t, 5, etcdImage(t, 5), blogFile())
	shop, own := s.old("shop")[0], s.name+"_default"
	wantOn := func(when string, networks ...string) {
		t.Helper()
		if on := s.networksOf(shop); strings.Join(on, " ") != strings.Join(networks, " ") {
			t.Errorf("%s it is on %v, want %v", when, on, networks)
		}
	}
	wantOn("before", own)
	broken := filepath.Join(t.TempDir(), "etcd")
	if err := os.WriteFile(broken, []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(etcdctrBinary(t), "adopt", "--yes", "--tls", "mutual", "--image", s.ref, "--their-etcd", broken, s.name)
	cmd.Dir = s.dir
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Fatalf("it was adopted by an etcd that does not start:\n%s", out)
	}
	wantOn("after it was taken back", own)
	eventually(t, "the application writes again", func() error {
		_, err := output(exec.Command("docker", "exec", shop, "etcdctl", "put", "orders/1", "paid"), "")
		return err
	})
}

// wantCommandsWork runs what an adoption names in the end, as it stands there.
func (s *theirs) wantCommandsWork(said string) {
	s.t.Helper()
	_, last, done := strings.Cut(said, "has taken over")
	if !done {
		s.t.Fatalf("it does not say that it is done:\n%s", said)
	}
	for _, line := range regexp.MustCompile("`(etcdctr [^`]+)`").FindAllStringSubmatch(last, -1) {
		switch command := line[1]; {
		case strings.HasPrefix(command, "etcdctr connect"):
			s.connect("--name", s.name+"-etcd").interrupt(s.t) // which goes on until then
		case strings.Contains(command, "--forget-old"):
			run(s.t, s.dir, "sh", "-c", etcdctrBinary(s.t)+strings.TrimPrefix(command, "etcdctr")+" --yes")
		default:
			run(s.t, s.dir, "sh", "-c", etcdctrBinary(s.t)+strings.TrimPrefix(command, "etcdctr"))
		}
	}
}

// TestDownTakesAwayWhatAnAdoptionHasBegunThatIsGivenUp has one killed before a new member
// serves, and its members started again by hand.
func TestDownTakesAwayWhatAnAdoptionHasBegunThatIsGivenUp(t *testing.T) {
	for name, way := range map[string]struct {
		at  func(progressLine) bool
		how []string
	}{
		"in place":   {func(is progressLine) bool { return is.Action == "create container" }, nil}, // with what was copied of a member
		"by copying": {func(is progressLine) bool { return strings.HasPrefix(is.Text, "read the data") }, []string{"--tls", "mutual"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir()) // a run that is killed leaves there what it has copied
			s := newTheirs(t, 5, etcdImage(t, 5), blogFile())
			names, own := []string{"etcd1", "etcd2", "etcd3"}, s.name+"_default"
			all := append(s.old("shop"), s.old(names...)...)
			before := s.fill(s.config(s.old(names...)...))
			if !s.killedOnce(way.at, append([]string{"--yes", "--image", s.ref, s.name}, way.how...)...) {
				t.Fatal("it came to its end")
			}
			s.compose("start")
			if on := s.networksOf(all[0]); len(on) != 2 {
				t.Errorf("the application is on %v after it was killed", on)
			}
			s.program("down")
			s.wantNothingBegun(own, all...)
			c := loadClient(t, s.config(s.old(names...)...))
			if after := s.holds(c); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("before it held %v\nand now %v", before, after)
			}
			if way.how != nil {
				return
			}
			// Whoever adopts them later adopts what they hold by then.
			if _, err := c.Put(t.Context(), "kept/4", "later"); err != nil {
				t.Fatal(err)
			}
			s.compose(append([]string{"stop"}, names...)...)
			s.adopt("--yes", "--image", s.ref)
			if got := strings.TrimSpace(s.program("etcdctl", "get", "--print-value-only", "kept/4")); got != "later" {
				t.Errorf("what was written last is %q", got)
			}
			run(t, s.dir, "docker", "rm", "--force", all[0]) // the network goes with the cluster
		})
	}
}

// wantNothingBegun wants nothing of an adoption, and containers on their own network only.
func (s *theirs) wantNothingBegun(own string, containers ...string) {
	s.t.Helper()
	for _, container := range containers {
		if on := s.networksOf(container); len(on) != 1 || on[0] != own {
			s.t.Errorf("%s is on %v", container, on)
		}
	}
	of := "label=com.docker.compose.project=" + s.name + "-etcd"
	for _, list := range [][]string{{"docker", "ps", "--all"}, {"docker", "network", "ls"}} {
		if left := run(s.t, s.dir, list[0], append(list[1:], "--quiet", "--filter", of)...); left != "" {
			s.t.Errorf("%v has left %s", list, left)
		}
	}
}

// said runs adopt, and gives all that it says.
func (s *theirs) said(args ...string) string {
	s.t.Helper()
	cmd := exec.Command(etcdctrBinary(s.t), append([]string{"adopt"}, args...)...)
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("adopt %v: %v\n%s", args, err, out)
	}
	return string(out)
}
