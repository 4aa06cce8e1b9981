package terminal

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tell shows a download on a board, a second from step to step.
func tell(mode string) string {
	var said bytes.Buffer
	now := time.Unix(0, 0)
	board := NewBoard(mode, &Voice{Out: &said}, func() time.Time { return now })
	for i := range int64(9) {
		board.Show(Step{Item: "etcd.tar.gz", Action: "downloading", Current: i * 1e6, Total: 8e6})
		now = now.Add(time.Second)
	}
	board.Show(Step{Item: "etcd.tar.gz", Action: "downloading", Current: 8e6, Total: 8e6, Done: true})
	board.Show(Step{Item: "etcd v3.7.3", Action: "compiling"})
	board.Show(Step{Item: "etcd v3.7.3", Action: "compiling", Detail: "google.golang.org/grpc"})
	board.Close()
	return said.String()
}

func TestPlainProgressTellsBeginningEndAndNowAndThen(t *testing.T) {
	want := `etcdctr: downloading etcd.tar.gz
etcdctr: downloading etcd.tar.gz: 5.0 MB of 8.0 MB
etcdctr: downloading etcd.tar.gz: done, 8.0 MB
etcdctr: compiling etcd v3.7.3
`
	if diff := cmp.Diff(want, tell(Plain)); diff != "" {
		t.Errorf("said (-want +got):\n%s", diff)
	}
}

func TestWhatIsDoneIsToldOnce(t *testing.T) {
	var said bytes.Buffer
	board := NewBoard(Plain, &Voice{Out: &said}, func() time.Time { return time.Unix(0, 0) })
	for range 2 { // a step of one member, and what its runtime does for it
		board.Show(Step{Item: "etcd1", Action: "stop"})
		board.Show(Step{Item: "etcd1", Action: "stop"})
		board.Show(Step{Item: "etcd1", Action: "stop", Done: true})
		board.Show(Step{Item: "etcd1", Action: "stop", Done: true})
	}
	want := strings.Repeat("etcdctr: stop etcd1\netcdctr: stop etcd1: done\n", 2)
	if diff := cmp.Diff(want, said.String()); diff != "" {
		t.Errorf("said (-want +got):\n%s", diff)
	}
}

func TestStepsOfAPlanAreALineEachAndWhatTheyComeDownToIsNone(t *testing.T) {
	var said bytes.Buffer
	now := time.Unix(0, 0)
	board := NewBoard(Plain, &Voice{Out: &said}, func() time.Time { return now })
	part := func(item string, takes time.Duration) {
		s := Step{Item: item, Action: "start", Part: true}
		board.Show(s)
		now = now.Add(takes)
		s.Done = true
		board.Show(s)
	}
	whole := func(s Step, within func()) {
		s.Whole = true
		board.Show(s)
		within()
		s.Done = true
		board.Show(s)
	}
	part("relay", 0) // of no step
	whole(Step{Item: "etcd1, etcd2", Action: "apply", Detail: "a new cluster"}, func() {
		part("etcd1", 0)
		part("etcd2", 6*time.Second)
	})
	whole(Step{Item: "etcd1", Action: "start"}, func() {
		part("etcd1", 0)
		board.Show(Step{Item: "etcd1", Action: "run on its machine", Detail: "docker compose up"})
	})
	whole(Step{Item: "etcd1", Action: "start"}, func() {})
	want := `etcdctr: start relay
etcdctr: start relay: done
etcdctr: apply etcd1, etcd2: a new cluster
etcdctr: start etcd2: done
etcdctr: apply etcd1, etcd2: done
etcdctr: start etcd1
etcdctr: run on its machine etcd1: docker compose up
etcdctr: start etcd1
`
	if diff := cmp.Diff(want, said.String()); diff != "" {
		t.Errorf("said (-want +got):\n%s", diff)
	}
}

func TestAutomaticProgressIsPlainWhereThereIsNoTerminal(t *testing.T) {
	if diff := cmp.Diff(tell(Plain), tell(Auto)); diff != "" {
		t.Errorf("auto differs from plain (-plain +auto):\n%s", diff)
	}
}

func TestJSONProgressIsOneObjectALine(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(tell(JSON)), "\n")
	want := `{"item":"etcd.tar.gz","action":"downloading","current":8000000,"total":8000000,"done":true}`
	if got := lines[len(lines)-2]; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestQuietProgressSaysNothing(t *testing.T) {
	if got := tell(Quiet); got != "" {
		t.Errorf("said %q", got)
	}
}

func TestBarsNameTheirItemsAndTellWhatWasNotDone(t *testing.T) {
	var drawn bytes.Buffer
	board := newBarBoard(&drawn)
	board.Show(Step{Item: "etcd.tar.gz", Action: "downloading", Current: 8e6, Total: 8e6, Done: true})
	board.Show(Step{Item: "etcd v3.7.3", Action: "compiling", Detail: "google.golang.org/grpc"})
	board.Close()
	board.Close() // closing twice is one time too many, and harmless
	for _, want := range []string{"downloading etcd.tar.gz", "done!", "compiling etcd v3.7.3", "fail!"} {
		if !strings.Contains(drawn.String(), want) {
			t.Errorf("%q is not in\n%s", want, drawn.String())
		}
	}
}

func TestBarsThatHadNothingToShowDrawNothing(t *testing.T) {
	var drawn bytes.Buffer
	newBarBoard(&drawn).Close()
	if drawn.Len() > 0 {
		t.Errorf("drew %q", drawn.String())
	}
}
