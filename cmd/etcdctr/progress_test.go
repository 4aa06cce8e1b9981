package main

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
	a := &app{errOut: &said, now: func() time.Time { return now }}
	board := a.newProgress(mode)
	for i := range int64(9) {
		board.show(step{Item: "etcd.tar.gz", Action: "downloading", Current: i * 1e6, Total: 8e6})
		now = now.Add(time.Second)
	}
	board.show(step{Item: "etcd.tar.gz", Action: "downloading", Current: 8e6, Total: 8e6, Done: true})
	board.show(step{Item: "etcd v3.7.3", Action: "compiling"})
	board.show(step{Item: "etcd v3.7.3", Action: "compiling", Detail: "google.golang.org/grpc"})
	board.close()
	return said.String()
}

func TestPlainProgressTellsBeginningEndAndNowAndThen(t *testing.T) {
	want := `etcdctr: downloading etcd.tar.gz
etcdctr: downloading etcd.tar.gz: 5.0 MB of 8.0 MB
etcdctr: downloading etcd.tar.gz: done, 8.0 MB
etcdctr: compiling etcd v3.7.3
`
	if diff := cmp.Diff(want, tell(progressPlain)); diff != "" {
		t.Errorf("said (-want +got):\n%s", diff)
	}
}

func TestWhatIsDoneIsToldOnce(t *testing.T) {
	var said bytes.Buffer
	a := &app{errOut: &said, now: func() time.Time { return time.Unix(0, 0) }}
	board := a.newProgress(progressPlain)
	for range 2 { // a step of one member, and what its runtime does for it
		board.show(step{Item: "etcd1", Action: "stop"})
		board.show(step{Item: "etcd1", Action: "stop"})
		board.show(step{Item: "etcd1", Action: "stop", Done: true})
		board.show(step{Item: "etcd1", Action: "stop", Done: true})
	}
	want := strings.Repeat("etcdctr: stop etcd1\netcdctr: stop etcd1: done\n", 2)
	if diff := cmp.Diff(want, said.String()); diff != "" {
		t.Errorf("said (-want +got):\n%s", diff)
	}
}

func TestAutomaticProgressIsPlainWhereThereIsNoTerminal(t *testing.T) {
	if diff := cmp.Diff(tell(progressPlain), tell(progressAuto)); diff != "" {
		t.Errorf("auto differs from plain (-plain +auto):\n%s", diff)
	}
}

func TestJSONProgressIsOneObjectALine(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(tell(progressJSON)), "\n")
	want := `{"item":"etcd.tar.gz","action":"downloading","current":8000000,"total":8000000,"done":true}`
	if got := lines[len(lines)-2]; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestQuietProgressSaysNothing(t *testing.T) {
	if got := tell(progressQuiet); got != "" {
		t.Errorf("said %q", got)
	}
}

func TestBarsNameTheirItemsAndTellWhatWasNotDone(t *testing.T) {
	var drawn bytes.Buffer
	board := newBarProgress(&drawn)
	board.show(step{Item: "etcd.tar.gz", Action: "downloading", Current: 8e6, Total: 8e6, Done: true})
	board.show(step{Item: "etcd v3.7.3", Action: "compiling", Detail: "google.golang.org/grpc"})
	board.close()
	board.close() // closing twice is one time too many, and harmless
	for _, want := range []string{"downloading etcd.tar.gz", "done!", "compiling etcd v3.7.3", "fail!"} {
		if !strings.Contains(drawn.String(), want) {
			t.Errorf("%q is not in\n%s", want, drawn.String())
		}
	}
}

func TestBarsThatHadNothingToShowDrawNothing(t *testing.T) {
	var drawn bytes.Buffer
	newBarProgress(&drawn).close()
	if drawn.Len() > 0 {
		t.Errorf("drew %q", drawn.String())
	}
}
