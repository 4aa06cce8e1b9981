//go:build e2e && linux

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"image/color"
	"image/png"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

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

// browser are the flags of one that reaches loopback alone, and whose clock runs
// ahead, so that nobody waits.
func (b *board) browser() []string {
	return []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--user-data-dir=" + b.dir, "--virtual-time-budget=4000",
	}
}

// look gives the page as a browser has made it.
func (b *board) look() (string, error) {
	cmd := exec.CommandContext(b.t.Context(), "chromium", append(b.browser(), "--window-size=1440,2000", "--dump-dom", b.url)...)
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
	b.shows(`data-word="failing"`, `<b>etcd2 </b>stop`, `<b>etcd2 </b>is stopped`, `id="cause-text">etcd2: `, `<code id="remedy-text">etcdctr up`)
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

// What leads to the members ends with the engine, and is made anew.
func TestTheDashboardOutlivesARestartOfItsEngine(t *testing.T) {
	s := newStack(t)
	e := startEngine(t, s.ref)
	s.etcdctr("up")
	cmd := exec.Command(etcdctrBinary(t), "dashboard", "--name", s.name)
	cmd.Dir = s.dir
	b := startDashboard(t, cmd)
	b.shows(`data-word="healthy"`, rows(3))
	e.restart()
	b.shows(`data-word="healthy"`, rows(3))
	s.etcdctr("stop", "etcd2")
	b.shows(`data-word="failing"`, `<b>etcd2 </b>is stopped`)
	s.etcdctr("start", "etcd2")
	b.shows(`data-word="healthy"`, `the cluster is healthy again`)
}

var pictures = flag.Bool("pictures", false, "write the pictures that docs/dashboard.md shows")

// picture has the browser take one of the page.
func (b *board) picture(name, theme string) {
	b.t.Helper()
	dir := b.t.TempDir()
	if *pictures {
		dir = "../docs/images"
	}
	file, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil {
		b.t.Fatal(err)
	}
	cmd := exec.CommandContext(b.t.Context(), "chromium", append(b.browser(), "--hide-scrollbars", "--window-size=1440,1060",
		"--screenshot="+file, b.url+theme)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.t.Fatalf("%v\n%s", err, out)
	}
	wantPicture(b.t, file)
}

// wantPicture wants more than an empty page, and a file that a page can show.
func wantPicture(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	colours := map[color.Color]bool{}
	for x := range seen.Bounds().Dx() {
		for y := range seen.Bounds().Dy() {
			colours[seen.At(x, y)] = true
		}
	}
	const few, large = 100, 200 << 10
	if len(colours) < few || len(data) > large {
		t.Errorf("%s has %d colours and %d bytes", file, len(colours), len(data))
	}
}

// The pictures on the dashboard's page are of a real one: `make pictures` takes them
// anew.
func TestPicturesOfTheDashboardAreTaken(t *testing.T) {
	l := newLocal(t)
	writeFile(t, filepath.Join(l.dir, "etcdctr.yaml"), "name: orders\n")
	l.etcdctr("up", "--detach")
	b := startDashboard(t, l.command(etcdctrBinary(t), "dashboard"))
	endpoints := regexp.MustCompile(`https://[\d.:]+`).FindAllString(l.etcdctr("connect"), -1)
	c := loadClient(t, clientv3.Config{Endpoints: endpoints, TLS: identityTLS(t, filepath.Join(l.dir, "certs", "clients", "root"))})
	pause := time.NewTicker(100 * time.Millisecond)
	defer pause.Stop()
	end := busily(t, 1, func(ctx context.Context) {
		<-pause.C
		_, _ = c.Put(ctx, fmt.Sprint("orders/", time.Now().UnixNano()%1000), strings.Repeat("x", 4000))
		_, _ = c.Get(ctx, "orders/", clientv3.WithPrefix(), clientv3.WithLimit(10))
	})
	defer end()
	b.shows(`data-word="healthy"`)
	if *pictures {
		time.Sleep(4 * time.Minute) // curves are worth looking at then
	}
	b.picture("dashboard.png", "#light")
	l.etcdctr("stop", "etcd1")
	b.shows(`data-word="failing"`, `id="cause-text">etcd1: `)
	if *pictures {
		time.Sleep(time.Minute)
	}
	b.picture("dashboard-trouble.png", "#dark")
}
