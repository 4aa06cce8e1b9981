//go:build e2e && linux

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/dashboard"
)

// board is a dashboard that runs, and a browser to look at it with.
type board struct {
	t   *testing.T
	url string
	dir string // the browser's own
}

// startDashboard starts one with a command that is ready to be.
func startDashboard(t *testing.T, cmd *exec.Cmd) *board {
	t.Helper()
	said, err := cmd.StdoutPipe()
	if err == nil {
		cmd.Stderr = os.Stderr
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("interrupted, dashboard ended with %d", code)
		}
	})
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatalf("dashboard printed no address: %v", err)
	}
	return &board{t, strings.TrimSpace(line), t.TempDir()}
}

// look gives the page as a browser has made it. The browser reaches loopback alone,
// and its clock runs ahead, so that nobody waits.
func (b *board) look() (string, error) {
	cmd := exec.CommandContext(b.t.Context(), "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--user-data-dir="+b.dir,
		"--window-size=1440,2000", "--virtual-time-budget=4000", "--dump-dom", b.url)
	out, err := cmd.Output()
	return string(out), err
}

// shows waits until the page has all of these, which are regular expressions.
func (b *board) shows(what ...string) {
	b.t.Helper()
	eventually(b.t, "the page to show it", func() error {
		page, err := b.look()
		if err != nil {
			return err
		}
		for _, w := range what {
			if !regexp.MustCompile(w).MatchString(page) {
				return fmt.Errorf("nothing in it is %s:\n%s", w, page)
			}
		}
		return nil
	})
}

// seen is what the page asks for.
type seen struct {
	Word    string
	Members []dashboard.MemberView
}

func (b *board) seen() seen {
	b.t.Helper()
	answer, err := http.Get(b.url + "view?since=0")
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	var now seen
	if err := json.NewDecoder(answer.Body).Decode(&now); err != nil {
		b.t.Fatal(err)
	}
	return now
}

// rows is a page with so many members in its table.
func rows(n int) string {
	return fmt.Sprintf(`(?s)id="member-rows">(<tr.*?</tr>){%d}</tbody>`, n)
}

func TestTheDashboardShowsAClusterAndWhatBecomesOfIt(t *testing.T) {
	l := newLocal(t)
	l.etcdctr("up", "--detach")
	l.use()
	b := startDashboard(t, l.command(etcdctrBinary(t), "dashboard"))
	b.shows(`data-word="healthy"`, `healthy, led by etcd\d`, rows(3), `class="curve"`, `leads, elected at term`)

	l.etcdctr("stop", "etcd2")
	b.shows(`data-word="failing"`, `<b>etcd2 </b>is stopped`, `id="cause-text">etcd2: `, `<code id="remedy-text">etcdctr up`)
	l.etcdctr("start", "etcd2")
	b.shows(`data-word="healthy"`, `the cluster is healthy again`)

	l.etcdctr("stop")
	b.shows(`data-word="stopped"`, `etcdctr start starts it`, rows(3))
	l.etcdctr("start")
	b.shows(`data-word="healthy"`)

	l.etcdctr("down", "--volumes", "--yes")
	b.shows(`data-word="absent"`, `etcdctr up makes one`)
	l.etcdctr("up", "--detach", "--members", "1")
	b.shows(`data-word="healthy"`, rows(1))
}

func TestTheDashboardShowsNineMembers(t *testing.T) {
	l := newLocal(t)
	l.etcdctr("up", "--detach", "--members", "9", "--profile", "ci")
	b := startDashboard(t, l.command(etcdctrBinary(t), "dashboard"))
	b.shows(`data-word="healthy"`, rows(9), `class="tag leader"`)
}

// On an engine, by the relay too, the dashboard is the same, and nothing of it stays.
func TestTheDashboardShowsContainersAndProvesTheirPorts(t *testing.T) {
	s := newStack(t)
	s.etcdctr("up")
	for _, via := range []string{"direct", "relay"} {
		cmd := exec.Command(etcdctrBinary(t), "dashboard", "--name", s.name, "--via", via)
		cmd.Dir = s.dir
		b := startDashboard(t, cmd)
		eventually(t, "members to be seen", func() error {
			v := b.seen()
			for _, m := range v.Members {
				if !m.Serves || m.Days == nil {
					return fmt.Errorf("%+v", m)
				}
			}
			if v.Word != "healthy" || len(v.Members) != 3 {
				return fmt.Errorf("%s, %d members", v.Word, len(v.Members))
			}
			return nil
		})
		answer, err := http.Post(b.url+"proofs", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var proved struct{ Found []dashboard.Proof }
		if err := json.NewDecoder(answer.Body).Decode(&proved); err != nil || len(proved.Found) < 20 {
			t.Fatalf("%d proofs: %v", len(proved.Found), err)
		}
		for _, p := range proved.Found {
			if !p.OK {
				t.Errorf("%+v", p)
			}
		}
	}
}
