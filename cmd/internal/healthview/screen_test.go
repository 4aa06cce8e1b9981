package healthview

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/health"
)

func reportAt(seconds int, leader string, members ...health.MemberReport) health.Report {
	r := health.Report{Time: time.Date(2026, 1, 2, 3, 4, seconds, 0, time.UTC), Healthy: true, Leader: leader, Members: members}
	for _, m := range members {
		if m.Error != "" {
			r.Healthy, r.Failures = false, append(r.Failures, m.Name+" does not answer")
		}
	}
	return r
}

func TestTheScreenShowsTheLastReportInPlaceAndWhatChanged(t *testing.T) {
	var out bytes.Buffer
	s := &Screen{screen: &terminal.Screen{Out: &out, Size: func() (int, int) { return 100, 24 }}, name: "orders", every: 2 * time.Second, reads: map[string][]float64{}}
	one := health.MemberReport{Name: "etcd1", Role: health.Leader, Version: "3.7.3", ReadMillis: 2, DBSize: 20480}
	two := health.MemberReport{Name: "etcd2", Role: health.Follower, Version: "3.7.3", ReadMillis: 1, DBSize: 20480}
	if err := s.Show(reportAt(5, "etcd1", one, two)); err != nil {
		t.Fatal(err)
	}
	first := out.String()
	gone := health.MemberReport{Name: "etcd1", Error: "no answer"}
	two.Role, two.ReadMillis = health.Leader, 4
	if err := s.Show(reportAt(7, "etcd2", gone, two)); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(first, "\n"); !strings.HasPrefix(out.String()[len(first):], "\x1b["+string(rune('0'+n))+"A") {
		t.Errorf("the second report does not begin where the first did: %q", out.String()[len(first):])
	}
	want := `orders  ✕ not healthy, led by etcd2  03:04:07, every 2s until Ctrl-C

  MEMBER  ROLE    VERSION  READ        DB SIZE  BEHIND  CERT DAYS  ALARMS
✕ etcd1   silent  -        -       █   -        -       -          -
★ etcd2   leader  3.7.3    4.0 ms  ▃█  20KiB    0       -          -

✕ etcd1 does not answer

03:04:07 etcd2 leads
03:04:07 etcd1 is silent
`
	got := strings.NewReplacer("\r", "", "\x1b[2K", "", "\x1b[J", "", "\x1b[5A", "").Replace(out.String()[len(first):])
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What does not fit could not be drawn over.
func TestTheScreenIsNoHigherThanTheTerminal(t *testing.T) {
	var out bytes.Buffer
	s := &Screen{screen: &terminal.Screen{Out: &out, Size: func() (int, int) { return 80, 6 }}, name: "orders", every: 2 * time.Second, reads: map[string][]float64{}}
	m := health.MemberReport{Name: "etcd1", Role: health.Leader, Version: "3.7.3"}
	if err := s.Show(reportAt(5, "etcd1", m, m, m, m, m)); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 5 || !strings.Contains(out.String(), "… 4 more lines") {
		t.Errorf("%d lines:\n%s", n, out.String())
	}
}
