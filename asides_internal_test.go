package etcdctr

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/runtime"
)

func TestWhatWasSetAsideIsRemarked(t *testing.T) {
	noon := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	one := runtime.Aside{Server: "etcd1", Where: "data.aside", Time: noon, Bytes: 2e6, Restored: true}
	other := runtime.Aside{Server: "etcd2", Where: "other.aside", Time: noon.Add(-time.Hour), Bytes: 5e5}
	unknown := runtime.Aside{Server: "etcd2", Where: "the volume x on n1"}
	for name, test := range map[string]struct {
		all     []runtime.Aside
		healthy bool
		want    string
	}{
		"nothing": {healthy: true},
		"of a restoration": {
			all: []runtime.Aside{one, other}, healthy: true,
			want: "former data of etcd1 and etcd2 is set aside, since 2026-11-28T11:00:00Z, 2.5 MB: " +
				"`etcdctr restore --undo` brings back what the last restore, or undo, has replaced; `etcdctr restore --discard` deletes it once nobody needs it",
		},
		"of a replacement": {
			all: []runtime.Aside{other}, healthy: true,
			want: "former data of etcd2 is set aside in other.aside, since 2026-11-28T11:00:00Z, 0.5 MB: `etcdctr restore --discard` deletes it once nobody needs it",
		},
		"not known since when": {
			all: []runtime.Aside{unknown}, healthy: true,
			want: "former data of etcd2 is set aside in the volume x on n1: `etcdctr restore --discard` deletes it once nobody needs it",
		},
		"one of two not known since when": {
			all: []runtime.Aside{unknown, one}, healthy: true,
			want: "former data of etcd1 and etcd2 is set aside, since 2026-11-28T12:00:00Z: " +
				"`etcdctr restore --undo` brings back what the last restore, or undo, has replaced; `etcdctr restore --discard` deletes it once nobody needs it",
		},
		"of a cluster that is not well": {
			all: []runtime.Aside{one},
			want: "former data of etcd1 is set aside in data.aside, since 2026-11-28T12:00:00Z, 2.0 MB: " +
				"`etcdctr restore --undo` brings back what the last restore, or undo, has replaced; keep it until the cluster is healthy",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, asideRemark(test.all, test.healthy)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatWasSetAsideIsNoFault(t *testing.T) {
	r := health.Report{Healthy: true}
	remarkAside([]runtime.Aside{{Server: "etcd1", Where: "data.aside", Bytes: 7}}, &r)
	want := health.Report{
		Healthy: true, Remarks: r.Remarks,
		Aside: []health.Aside{{Member: "etcd1", Where: "data.aside", Bytes: 7}},
	}
	if diff := cmp.Diff(want, r); diff != "" || len(r.Remarks) != 1 || !strings.Contains(r.Remarks[0], "--discard") {
		t.Errorf("it remarks %q (-want +got):\n%s", r.Remarks, diff)
	}
}
