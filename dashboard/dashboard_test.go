package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/logs"
	"github.com/etcdctr/etcdctr/runtime"
)

// cast is a cluster that says what it is told to say.
type cast struct {
	state   *runtime.State
	err     error
	report  health.Report
	asked   int
	metrics map[string]string
	steps   []Step
	until   time.Time // when a check is given up, as its asker says
	look    time.Time // when an observation is
}

func (c *cast) Observe(ctx context.Context) (*runtime.State, error) {
	c.look, _ = ctx.Deadline()
	return c.state, c.err
}

func (c *cast) Check(ctx context.Context) (health.Report, error) {
	c.until, _ = ctx.Deadline()
	c.asked++
	return c.report, nil
}

func (c *cast) Scrape(_ context.Context, member string) (io.ReadCloser, error) {
	text, ok := c.metrics[member]
	if !ok {
		return nil, errors.New("it is silent")
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

func (*cast) Listen(ctx context.Context, _ time.Time, _ func(runtime.Line)) error {
	<-ctx.Done()
	return ctx.Err()
}

func (c *cast) Steps(after time.Time) ([]Step, error) {
	var all []Step
	for _, s := range c.steps {
		if s.Time.After(after) {
			all = append(all, s)
		}
	}
	return all, nil
}

func (*cast) Diagnose(context.Context) (Diagnosis, error) {
	return Diagnosis{Member: "etcd2", Cause: "it was stopped", Command: "etcdctr start etcd2"}, nil
}

func (*cast) Prove(context.Context) ([]Proof, error) { return nil, errors.New("the relay has ended") }

// says are metrics of a member after n looks.
func says(leader bool, n int) string {
	return fmt.Sprintf(`# TYPE etcd_server_has_leader gauge
etcd_server_has_leader 1
etcd_server_is_leader %d
etcd_mvcc_db_total_size_in_bytes 2.048e+04
etcd_server_quota_backend_bytes 2.147483648e+09
etcd_server_proposals_committed_total %d
grpc_server_handled_total{grpc_code="OK",grpc_method="Put",grpc_type="unary"} %d
grpc_server_handled_total{grpc_code="OK",grpc_method="Watch",grpc_type="bidi_stream"} 7
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.001"} %d
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.002"} %d
etcd_disk_wal_fsync_duration_seconds_bucket{le="+Inf"} %d
`, map[bool]int{true: 1}[leader], 10*n, 50*n, 5*n, 10*n, 10*n)
}

func three() *cast {
	c := &cast{state: &runtime.State{Name: "orders", Runtime: "process"}, metrics: map[string]string{}}
	c.report = health.Report{Time: time.Unix(1000, 0), Healthy: true, Leader: "etcd2"}
	for i := 1; i <= 3; i++ {
		name := fmt.Sprint("etcd", i)
		c.state.Servers = append(c.state.Servers, runtime.Server{Name: name, Role: runtime.Member, Status: runtime.Running, Release: "v3.7.3"})
		c.metrics[name] = says(i == 2, 1)
		c.report.Members = append(c.report.Members, health.MemberReport{Name: name, Role: "follower", Version: "3.7.3"})
	}
	return c
}

// clocked is a sampler whose clock goes on by Every at each look.
type clocked struct {
	*Sampler
	at time.Time
}

func newClocked(c *cast) *clocked {
	k := &clocked{at: time.Unix(1000, 0)}
	k.Sampler = NewSampler(c, func() time.Time { return k.at })
	return k
}

func (k *clocked) look() {
	k.Look(context.Background())
	k.at = k.at.Add(Every)
}

func TestASamplerKeepsWhatMembersWereAndHowFastTheirCountersGrow(t *testing.T) {
	c := three()
	k := newClocked(c)
	for n := 1; n <= 3; n++ {
		for name := range c.metrics {
			c.metrics[name] = says(name == "etcd2", n)
		}
		k.look()
	}
	v := k.View(0)
	if v.Word != "healthy" || v.Cluster != "orders" || v.Quota != 1<<31 || len(v.Times) != 3 {
		t.Errorf("%+v", v)
	}
	track := v.Tracks["etcd2"]
	if diff := cmp.Diff([]State{Leads, Leads, Leads}, track.State); diff != "" {
		t.Error(diff)
	}
	for id, want := range map[string]string{
		"requests": "[null,10,10]", "committed": "[null,2,2]", "file": "[2.048e+04,2.048e+04,2.048e+04]",
		"fsync50": "[null,0.001,0.001]", "watchers": "[null,null,null]",
	} {
		got, err := json.Marshal(track.Lines[id])
		if err != nil || string(got) != want {
			t.Errorf("%s: %s %v, want %s", id, got, err, want)
		}
	}
	if later := k.View(v.Times[1]); len(later.Times) != 1 || len(later.Tracks["etcd1"].State) != 1 {
		t.Errorf("what is new since the second look: %v", later.Times)
	}
}

func TestMembersAreAskedAtOnceWhereSomethingChangedAndElseNowAndThen(t *testing.T) {
	c := three()
	k := newClocked(c)
	looks := func(n int) int {
		before := c.asked
		for range n {
			k.look()
		}
		return c.asked - before
	}
	if n := looks(13); n != 3 {
		t.Errorf("asked %d times in a minute of rest, want 3", n)
	}
	delete(c.metrics, "etcd3")
	if n := looks(1); n != 1 {
		t.Errorf("a member went, and the others were asked %d times", n)
	}
	c.report.Healthy, c.report.Failures = false, []string{"etcd3: does not answer"}
	looks(6)
	if n := looks(5); n != 5 {
		t.Errorf("something is wrong, and they were asked %d times of 5", n)
	}
	v := k.View(0)
	if got := v.Tracks["etcd3"].State; got[len(got)-1] != Away || v.Word != "failing" {
		t.Errorf("etcd3 was %v, the cluster is %s", got, v.Word)
	}
}

// On a busy machine a look takes all the time that it has, and members are asked all the same.
func TestMembersAreAskedHoweverLongItTakesToLook(t *testing.T) {
	c := three()
	newClocked(c).look()
	if !c.until.After(c.look) {
		t.Errorf("a look is given up at %v, and asking the members at %v", c.look, c.until)
	}
}

func TestTheRingForgetsWhatIsOlderThanAnHourAndMembersThatAreGone(t *testing.T) {
	c := three()
	k := newClocked(c)
	k.look()
	c.state = &runtime.State{Name: "orders", Servers: c.state.Servers[:2]}
	for range int(History / Every) {
		k.look()
	}
	v := k.View(0)
	if len(v.Times) != int(History/Every) || len(v.Tracks) != 2 {
		t.Errorf("%d looks of %d members", len(v.Times), len(v.Tracks))
	}
}

func TestAClusterThatCannotBeSeenStoppedOrNeverWasIsCalledThat(t *testing.T) {
	c := three()
	k := newClocked(c)
	if got := k.View(0).Word; got != "asking" {
		t.Errorf("at first: %s", got)
	}
	c.err = errors.New("the engine does not answer")
	k.look()
	if v := k.View(0); v.Word != "unseen" || v.Failure != "the engine does not answer" {
		t.Errorf("%s %s", v.Word, v.Failure)
	}
	c.err = &runtime.NotFoundError{Name: "orders"}
	k.look()
	if got := k.View(0).Word; got != "absent" {
		t.Errorf("without a cluster: %s", got)
	}
	c.err = nil
	for i := range c.state.Servers {
		c.state.Servers[i].Status = runtime.Stopped
	}
	k.look()
	if got := k.View(0).Word; got != "stopped" {
		t.Errorf("stopped: %s", got)
	}
}

func TestWhatHappensIsWrittenDown(t *testing.T) {
	at := time.Unix(1000, 0)
	line := func(server, text string, after time.Duration) runtime.Line {
		return runtime.Line{Server: server, Text: text, Time: at.Add(after)}
	}
	k := newClocked(three())
	for _, l := range []runtime.Line{
		line("etcd2", `{"level":"info","msg":"starting local member","local-member-id":"d642636a32f14343"}`, 0),
		line("etcd1", `{"level":"info","msg":"raft.node: b084da48ef7db93c elected leader d642636a32f14343 at term 2"}`, time.Second),
		line("etcd2", `{"level":"info","msg":"raft.node: d642636a32f14343 elected leader d642636a32f14343 at term 2"}`, 2*time.Second),
		line("etcd3", `{"level":"info","msg":"raft.node: d642636a32f14344 elected leader d642636a32f14343 at term 2"}`, 10*time.Minute), // started anew
		line("etcd1", `{"level":"warn","msg":"apply request took too long","took":"1.2s","prefix":"read-only range ","request":"key:\"a\" "}`, 3*time.Second),
		line("etcd1", `{"level":"warn","msg":"apply request took too long","took":"1.5s","prefix":"read-only range ","request":"key:\"b\" "}`, 4*time.Second),
		line("etcd3", `{"level":"warn","msg":"rejected connection on client endpoint","error":"remote error: tls: bad certificate"}`, 5*time.Second),
		line("etcd3", `{"level":"warn","msg":"rejected connection on client endpoint","error":"read tcp: connection reset by peer"}`, 6*time.Second),
		line("etcd3", `{"level":"info","msg":"sending database snapshot to client","total-bytes":20480}`, 7*time.Second),
		line("etcd3", `{"level":"info","msg":"a thing that is none of anybody's business"}`, 8*time.Second),
	} {
		k.hear(l)
	}
	var got []string
	for _, e := range k.View(0).Events {
		got = append(got, fmt.Sprintf("%s %s %s ×%d", e.Kind, e.Member, e.Text, e.Count))
	}
	if diff := cmp.Diff([]string{
		"election etcd2 leads, elected at term 2 ×1",
		`slow etcd1 a request took 1.5s: read-only range key:"b"  ×2`,
		"refused  somebody was refused: bad certificate ×1",
		"backup etcd3 gave a snapshot of its database away, a backup perhaps ×1",
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestChangesOfMembersAreWrittenDown(t *testing.T) {
	server := func(name string, change func(*runtime.Server)) runtime.Server {
		s := runtime.Server{Name: name, Role: runtime.Member, Status: runtime.Running, Release: "v3.6.16"}
		if change != nil {
			change(&s)
		}
		return s
	}
	before := &runtime.State{Servers: []runtime.Server{server("etcd1", nil), server("etcd2", nil), server("etcd3", nil)}}
	now := &runtime.State{Servers: []runtime.Server{
		server("etcd1", func(s *runtime.Server) { s.Release = "v3.7.3" }),
		server("etcd2", func(s *runtime.Server) { s.Status, s.ExitCode = runtime.Failed, 2 }),
		server("etcd4", nil),
	}}
	var got []string
	for _, e := range changed(before, now, time.Unix(0, 0)) {
		got = append(got, e.Member+" "+e.Text)
	}
	learner, voter := []health.KnownMember{{ID: "a", Name: "etcd4", Learner: true}}, []health.KnownMember{{ID: "a", Name: "etcd4"}}
	sick := health.Report{Time: time.Unix(1, 0), Failures: []string{"etcd2: does not answer"}, Membership: []health.KnownMember{{ID: "b"}}}
	for _, step := range [][2]health.Report{
		{sick, {Time: time.Unix(2, 0), Healthy: true, Membership: learner}},
		{{Time: time.Unix(2, 0), Healthy: true, Membership: learner}, {Time: time.Unix(3, 0), Healthy: true, Membership: voter}},
		{{Time: time.Unix(3, 0), Healthy: true}, sick},
	} {
		for _, e := range judged(step[0], step[1]) {
			got = append(got, strings.TrimSpace(e.Member+" "+e.Text))
		}
	}
	if diff := cmp.Diff([]string{
		"etcd1 runs etcd v3.7.3, and ran v3.6.16", "etcd2 ended by itself with code 2", "etcd4 is new", "etcd3 is gone",
		"the cluster is healthy again", "etcd4 joined, without a vote at first", "etcd4 is in step and has a vote", "etcd2: does not answer",
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestQuantilesAreThoseOfPrometheus(t *testing.T) {
	inf := math.Inf(1)
	for _, test := range []struct {
		of      histogram
		q, want float64
	}{
		{histogram{1: 10, 2: 10, inf: 10}, 0.5, 0.5},
		{histogram{1: 0, 2: 10, inf: 10}, 0.5, 1.5},
		{histogram{1: 5, 2: 10, inf: 10}, 0.75, 1.5},
		{histogram{1: 5, 2: 5, inf: 10}, 0.99, 2},
		{histogram{1: 0, inf: 0}, 0.5, math.NaN()},
	} {
		if got := test.of.quantile(test.q); got != test.want && !(math.IsNaN(got) && math.IsNaN(test.want)) {
			t.Errorf("%v of %v is %v, want %v", test.q, test.of, got, test.want)
		}
	}
}

func TestThePageIsThereForWhoKnowsItsKeyAtItsOwnAddress(t *testing.T) {
	const key = "0123456789abcdef"
	h := NewHandler(newClocked(three()).Sampler, key)
	for _, test := range []struct {
		method, path, host, origin string
		want                       int
	}{
		{"GET", "/" + key + "/", "127.0.0.1:8379", "", http.StatusOK},
		{"GET", "/" + key + "/page.js", "localhost:8379", "", http.StatusOK},
		{"GET", "/" + key + "/view?since=0", "[::1]:8379", "", http.StatusOK},
		{"GET", "/" + key + "/view", "127.0.0.1:8379", "", http.StatusBadRequest},
		{"GET", "/", "127.0.0.1:8379", "", http.StatusNotFound},
		{"GET", "/another/", "127.0.0.1:8379", "", http.StatusNotFound},
		{"GET", "/" + key + "/", "somebody.example:8379", "", http.StatusMisdirectedRequest},
		{"POST", "/" + key + "/diagnosis", "127.0.0.1:8379", "http://127.0.0.1:8379", http.StatusOK},
		{"POST", "/" + key + "/diagnosis", "127.0.0.1:8379", "https://somebody.example", http.StatusForbidden},
		{"GET", "/" + key + "/diagnosis", "127.0.0.1:8379", "", http.StatusNotFound},
	} {
		r := httptest.NewRequest(test.method, test.path, nil)
		r.Host = test.host
		if test.origin != "" {
			r.Header.Set("Origin", test.origin)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != test.want {
			t.Errorf("%s %s at %s from %q: %d, want %d", test.method, test.path, test.host, test.origin, w.Code, test.want)
		}
		if got := w.Header().Get("Content-Security-Policy"); got != policy {
			t.Errorf("%s: the policy is %q", test.path, got)
		}
	}
}

func TestAClusterIsShownUntilItIsEnded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	shown := make(chan error)
	go func() { shown <- Show(ctx, l, three(), time.Now, "key") }()
	answer, err := http.Get("http://" + l.Addr().String() + "/key/")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("who knows the key gets %s", answer.Status)
	}
	end()
	if err := <-shown; err != nil {
		t.Errorf("it ends with %v", err)
	}
}

func TestAnswersThatTakeTheirTimeSayWhyThereAreNone(t *testing.T) {
	h := NewHandler(newClocked(three()).Sampler, "key")
	for path, want := range map[string]string{
		"/key/diagnosis": `{"found":{"member":"etcd2","cause":"it was stopped","command":"etcdctr start etcd2"}}`,
		"/key/proofs":    `{"error":"the relay has ended"}`,
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, path, nil)
		r.Host = "127.0.0.1"
		h.ServeHTTP(w, r)
		if got := strings.TrimSpace(w.Body.String()); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// What the page is made of names nothing that is elsewhere, and nothing in it
// writes text as markup.
func TestThePageLoadsNothingFromElsewhere(t *testing.T) {
	files, err := assets.ReadDir("assets")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	address := regexp.MustCompile(`(?i)(https?:)?//[a-z0-9.-]+\.[a-z]+[^\s"']*`)
	markup := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|style="|onclick=`)
	for _, f := range files {
		text, err := assets.ReadFile("assets/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range address.FindAllString(string(text), -1) {
			if found != "http://www.w3.org/2000/svg" { // a name, which nobody loads
				t.Errorf("%s names %s", f.Name(), found)
			}
		}
		if found := markup.FindString(string(text)); found != "" {
			t.Errorf("%s has %s", f.Name(), found)
		}
	}
}

func TestKeysDiffer(t *testing.T) {
	one, err := NewKey(strings.NewReader(strings.Repeat("a", 18)))
	two, err2 := NewKey(strings.NewReader(strings.Repeat("b", 18)))
	if err != nil || err2 != nil || one == two || len(one) != 24 {
		t.Errorf("%q %q %v %v", one, two, err, err2)
	}
}

var _ Source = (*cast)(nil)

func TestIDsAreNames(t *testing.T) {
	var names logs.Names
	names.Learn(logs.Read("etcd2", `{"level":"info","msg":"x","local-member-id":"d642636a32f14343"}`, time.Time{}))
	e, ok := heard(logs.Read("etcd1", `{"level":"fatal","msg":"stopped","error":"member d642636a32f14343 is gone"}`, time.Time{}), &names)
	if !ok || e.Text != "stopped member etcd2 is gone" || e.Kind != Trouble {
		t.Errorf("%+v %v", e, ok)
	}
}

// What `up` does is told as it goes, in whatever program it runs.
func TestStepsOfChangesAreWrittenDownAsTheyGo(t *testing.T) {
	c := three()
	k := newClocked(c)
	k.look()
	c.steps = []Step{{Time: k.at, Servers: []string{"etcd2"}, Text: "stop: etcd: v3.6.16 → v3.7.3"}}
	k.look()
	c.steps = append(c.steps, Step{Time: k.at, Servers: []string{"etcd2"}, Text: "apply: it does not start", Failed: true})
	k.look()
	k.look()
	var got []string
	for _, e := range k.View(0).Events {
		if e.Member == "etcd2" {
			got = append(got, fmt.Sprintf("%s %s ×%d", e.Kind, e.Text, e.Count))
		}
	}
	if diff := cmp.Diff([]string{"change stop: etcd: v3.6.16 → v3.7.3 ×1", "trouble apply: it does not start ×1"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
