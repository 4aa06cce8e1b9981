package lifespan_test

import (
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/internal/lifespan"
)

func TestShortLivesAreToldInHoursAndMinutes(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		d           time.Duration
		words, cell string
		days        int
	}{
		{364*day + 23*time.Hour, "364 days", "364", 364},
		{2 * day, "2 days", "2", 2},
		{2*day - time.Second, "47 hours", "47 h", 1},
		{12 * time.Hour, "12 hours", "12 h", 0},
		{119 * time.Minute, "119 minutes", "119 min", 0},
		{time.Minute, "1 minute", "1 min", 0},
		{time.Second, "1 minute", "1 min", 0},
		{-time.Second, "1 minute", "-1 min", -1},
		{-3 * time.Hour, "3 hours", "-3 h", -1},
		{-25 * time.Hour, "25 hours", "-25 h", -2},
		{-2 * day, "2 days", "-2", -2},
		{-2*day - time.Second, "2 days", "-3", -3},
	} {
		if got := lifespan.Words(c.d); got != c.words {
			t.Errorf("%v in words is %q, want %q", c.d, got, c.words)
		}
		if got := lifespan.Cell(c.d); got != c.cell {
			t.Errorf("%v in a cell is %q, want %q", c.d, got, c.cell)
		}
		if got := lifespan.Days(c.d); got != c.days {
			t.Errorf("%v are %d days, want %d", c.d, got, c.days)
		}
	}
}

func TestWhatIsNearHasItsMinute(t *testing.T) {
	now := time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)
	for left, want := range map[time.Duration]string{
		48 * time.Hour: "2030-06-03", 47 * time.Hour: "2030-06-03 11:00 UTC", -time.Minute: "2030-06-01 11:59 UTC", -72 * time.Hour: "2030-05-29",
	} {
		if got := lifespan.When(now.Add(left).In(time.FixedZone("elsewhere", 7200)), now); got != want {
			t.Errorf("in %v is %q, want %q", left, got, want)
		}
	}
}
