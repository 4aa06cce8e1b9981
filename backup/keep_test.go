package backup_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/backup"
)

func TestKeepChooses(t *testing.T) {
	at := func(text string) time.Time {
		when, err := time.Parse("2006-01-02 15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	// Oldest first; 2026-11-22 is a Sunday.
	times := []string{
		"2026-11-08 12:00", "2026-11-15 12:00", "2026-11-21 12:00", "2026-11-22 12:00", "2026-11-23 12:00",
		"2026-11-27 09:10", "2026-11-27 09:50", "2026-11-27 10:00", "2026-11-28 09:00", "2026-11-28 09:30",
	}
	tests := map[string]struct {
		keep backup.Keep
		want []string
	}{
		"nothing said":  {backup.Keep{}, times[9:]},
		"the last":      {backup.Keep{Last: 2}, times[8:]},
		"more than all": {backup.Keep{Last: 99}, times},
		"hourly":        {backup.Keep{Hourly: 3}, []string{times[6], times[7], times[9]}},
		"daily":         {backup.Keep{Daily: 3}, []string{times[4], times[7], times[9]}},
		"weekly":        {backup.Keep{Weekly: 2}, []string{times[3], times[9]}},
		"several":       {backup.Keep{Last: 2, Daily: 2, Weekly: 3}, []string{times[1], times[3], times[7], times[8], times[9]}},
	}
	var when []time.Time
	for _, text := range times {
		when = append(when, at(text))
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for i, stays := range test.keep.Choose(when) {
				if stays {
					got = append(got, times[i])
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("kept (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPrunableGoesByClusterAndLeavesWhatCannotBeRead(t *testing.T) {
	one := func(path, cluster string, hours int) backup.Found {
		return backup.Found{Path: path, Metadata: backup.Metadata{Cluster: cluster, Time: noon.Add(time.Duration(hours) * time.Hour)}}
	}
	all := []backup.Found{
		one("a3", "a", 3), one("b2", "b", 2), one("a1", "a", 1), one("b0", "b", 0), {Path: "broken", Err: errors.New("broken")},
	}
	for cluster, want := range map[string][]string{"": {"a1", "b0"}, "a": {"a1"}, "c": nil} {
		var got []string
		for _, f := range backup.Prunable(all, backup.Keep{Last: 1}, cluster) {
			got = append(got, f.Path)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("of cluster %q go (-want +got):\n%s", cluster, diff)
		}
	}
}

func TestKeepTellsAllThatIsWrong(t *testing.T) {
	tests := map[backup.Keep]string{
		{Last: 1}:             "",
		{}:                    "keep: no rule keeps anything: give at least one of last, hourly, daily, weekly and monthly",
		{Last: -1, Daily: -7}: "keep: last: -1 must not be negative; daily: -7 must not be negative",
	}
	for keep, want := range tests {
		got := ""
		if err := keep.Check(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%+v: %q, want %q", keep, got, want)
		}
	}
}
