package backup

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Keep says which backups of a cluster stay. What any of its rules wants to keep
// is kept.
type Keep struct {
	Last    int // the newest so many
	Hourly  int // the newest of each of the last so many hours that have one
	Daily   int // likewise of days, in UTC
	Weekly  int // likewise of weeks, which begin on Mondays
	Monthly int // likewise of months
}

// IsZero tells that no rule keeps anything.
func (k Keep) IsZero() bool { return k == Keep{} }

// Check tells all that is wrong with the numbers.
func (k Keep) Check() error {
	var wrong []string
	for _, r := range []struct {
		name string
		n    int
	}{{"last", k.Last}, {"hourly", k.Hourly}, {"daily", k.Daily}, {"weekly", k.Weekly}, {"monthly", k.Monthly}} {
		if r.n < 0 {
			wrong = append(wrong, fmt.Sprintf("%s: %d must not be negative", r.name, r.n))
		}
	}
	switch {
	case len(wrong) > 0:
		return fmt.Errorf("keep: %s", strings.Join(wrong, "; "))
	case k.IsZero():
		return fmt.Errorf("keep: no rule keeps anything: give at least one of last, hourly, daily, weekly and monthly")
	}
	return nil
}

// Choose tells which of the times stay, in their order. The newest always does.
func (k Keep) Choose(times []time.Time) []bool {
	order := make([]int, len(times))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return times[b].Compare(times[a]) })
	stays := make([]bool, len(times))
	rules := []struct {
		n      int
		period func(time.Time) string
	}{
		{k.Hourly, func(t time.Time) string { return t.Format("2006-01-02T15") }},
		{k.Daily, func(t time.Time) string { return t.Format(time.DateOnly) }},
		{k.Weekly, func(t time.Time) string { year, week := t.ISOWeek(); return fmt.Sprintf("%d-%d", year, week) }},
		{k.Monthly, func(t time.Time) string { return t.Format("2006-01") }},
	}
	for _, i := range order[:min(len(order), max(k.Last, 1))] {
		stays[i] = true
	}
	for _, r := range rules {
		seen := map[string]bool{}
		for _, i := range order {
			period := r.period(times[i].UTC())
			if !seen[period] && len(seen) < r.n {
				seen[period], stays[i] = true, true
			}
		}
	}
	return stays
}
