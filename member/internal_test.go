package member

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestComplaintsAreAlarmsOrErrors(t *testing.T) {
	texts := []string{
		"memberID:10501334649042878790 alarm:NOSPACE ",              // etcd 3.5 and 3.6
		(&etcdserverpb.AlarmMember{MemberID: 7, Alarm: 2}).String(), // 3.7
		"etcdserver: no leader",
		"alarm: something else",
	}
	alarms, others := complaints(texts)
	if diff := cmp.Diff([]Alarm{{10501334649042878790, NoSpace}, {7, Corrupt}}, alarms); diff != "" {
		t.Errorf("alarms (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"alarm: something else"}, others); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func TestMeaningKeepsEtcdsError(t *testing.T) {
	tests := []struct {
		etcd, want error
	}{
		{rpctypes.ErrUnhealthy, ErrUnhealthy},
		{rpctypes.ErrGRPCUnhealthy, ErrUnhealthy},
		{rpctypes.ErrTooManyLearners, ErrTooManyLearners},
		{status.Error(codes.Unknown, "auth: permission denied"), ErrDenied},
		{fmt.Errorf("more: %w", rpctypes.ErrPermissionDenied), ErrDenied},
	}
	for _, test := range tests {
		if got := meaning(test.etcd); !errors.Is(got, test.want) || !errors.Is(got, test.etcd) {
			t.Errorf("%v means %v, want %v and itself", test.etcd, got, test.want)
		}
	}
	for _, other := range []error{errors.New("auth: permission denied"), status.Error(codes.Unknown, "other")} {
		if got := meaning(other); !errors.Is(got, other) || errors.Is(got, ErrDenied) {
			t.Errorf("%v means %v", other, got)
		}
	}
}

func TestASnapshotEndsInItsChecksum(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 64)
	sum := sha256.Sum256(data)
	tests := map[string]struct {
		sent []byte
		fine bool
	}{
		"whole":       {append(bytes.Clone(data), sum[:]...), true},
		"cut off":     {append(bytes.Clone(data), sum[:31]...), false},
		"no checksum": {data, false},
		"changed":     {append(append(bytes.Clone(data[1:]), 'x'), sum[:]...), false},
		"nothing":     {nil, false},
	}
	for name, test := range tests {
		for _, size := range []int{1, 31, 32, 33, 512, 4096} {
			var written bytes.Buffer
			through := newTrailing(&written)
			for part := range chunks(test.sent, size) {
				if n, err := through.Write(part); n != len(part) || err != nil {
					t.Fatal(n, err)
				}
			}
			got, err := through.verify()
			if (err == nil) != test.fine || !bytes.Equal(written.Bytes(), test.sent) || (test.fine && got != sum) {
				t.Errorf("%s, %d bytes at a time: %x, %v", name, size, got, err)
			}
		}
	}
}

func chunks(data []byte, size int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(data) > 0 {
			n := min(size, len(data))
			if !yield(data[:n]) {
				return
			}
			data = data[n:]
		}
	}
}

func TestFindMetricTakesTheOneOfThatName(t *testing.T) {
	text := "# HELP some_count help\nsome_count_more 3\nsome_count 1.2e+01\n"
	if n, err := findMetric(strings.NewReader(text), "some_count"); n != 12 || err != nil {
		t.Errorf("%v, %v; want 12", n, err)
	}
	if _, err := findMetric(strings.NewReader(text), "other"); err == nil {
		t.Error("a metric that is not there is found")
	}
}

func TestHashesAreGroupedByAllThatMakesThemDiffer(t *testing.T) {
	tests := map[string]struct {
		members         []Hash
		groups          [][]string
		same, overtaken bool
	}{
		"same":       {[]Hash{{"a", 1, 5, 2, nil}, {"b", 1, 5, 2, nil}}, [][]string{{"a", "b"}}, true, false},
		"different":  {[]Hash{{"a", 1, 5, 2, nil}, {"b", 2, 5, 2, nil}, {"c", 1, 5, 2, nil}}, [][]string{{"a", "c"}, {"b"}}, false, false},
		"without it": {[]Hash{{"a", 1, 5, 2, nil}, {"b", 1, 4, 2, nil}}, [][]string{{"a"}, {"b"}}, false, false},
		"compacted":  {[]Hash{{"a", 1, 5, 2, nil}, {"b", 1, 5, 3, nil}}, [][]string{{"a"}, {"b"}}, false, true},
		"too late":   {[]Hash{{"a", 1, 5, 2, nil}, {Name: "b", Err: rpctypes.ErrCompacted}}, [][]string{{"a"}}, false, true},
		"one away":   {[]Hash{{"a", 1, 5, 2, nil}, {Name: "b", Err: ErrNotAlive}}, [][]string{{"a"}}, false, false},
		"nobody":     {nil, nil, false, false},
		"same now":   {[]Hash{{"a", 1, 5, 2, nil}, {"b", 1, 5, 2, nil}}, [][]string{{"a", "b"}}, true, false},
		"more now":   {[]Hash{{"a", 1, 5, 2, nil}, {"b", 2, 6, 2, nil}}, [][]string{{"a"}, {"b"}}, false, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := Hashes{Members: test.members, now: strings.HasSuffix(name, "now")}
			if diff := cmp.Diff(test.groups, h.Groups()); diff != "" || h.Same() != test.same || h.overtaken() != test.overtaken {
				t.Errorf("same %v, overtaken %v, groups (-want +got):\n%s", h.Same(), h.overtaken(), diff)
			}
		})
	}
}

func TestVersionErrorNamesEveryMemberThatLacks(t *testing.T) {
	v := View{
		Members: []Member{{ID: 1, Name: "a"}, {ID: 2, Name: "b"}, {ID: 3, Name: "c"}, {ID: 4, Name: "d"}},
		Endpoints: []Endpoint{
			{Name: "a", ID: 1, Version: "3.6.16", StorageVersion: "3.5.0"},
			{Name: "b", ID: 2, Version: "3.5.35"}, // which does not tell
			{Name: "c", ID: 3, Version: "3.6.16", StorageVersion: "3.6.0"},
			{Name: "d", Trouble: Refused},
		},
	}
	err := v.unlike("storage version", "3.5.35", Endpoint.storageMinor)
	if want := "storage version 3.5 is not that of c (3.6), d (unknown)"; err == nil || err.Error() != want {
		t.Errorf("%v; want %s", err, want)
	}
	v.Members = v.Members[:2]
	if err := v.unlike("storage version", "3.5", Endpoint.storageMinor); err != nil {
		t.Error(err)
	}
}
