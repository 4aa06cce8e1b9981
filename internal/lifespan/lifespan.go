// Package lifespan tells how long certificates last, in the unit that says something
// of it: of one that lives for hours, "0 days" tells neither how long it is good for
// nor how long it has been over.
package lifespan

import (
	"fmt"
	"time"
)

const day = 24 * time.Hour

// Days are whole days, rounded down on both sides of zero.
func Days(d time.Duration) int {
	n := int(d / day)
	if d < 0 && d%day != 0 {
		n--
	}
	return n
}

// Short reports whether days are too coarse for something that lasts so long, or has
// been over for so long.
func Short(d time.Duration) bool { return d.Abs() < 2*day }

// Words are "364 days", "11 hours" or "35 minutes", of what is over as of what is to
// come: who says it knows which. A start of a minute counts as one.
func Words(d time.Duration) string {
	n, unit := count(d.Abs())
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}

// Cell is for a column of days: their number, and of what is short "11 h", "35 min".
// What is over has a minus.
func Cell(d time.Duration) string {
	if !Short(d) {
		return fmt.Sprint(Days(d))
	}
	n, unit := count(d.Abs())
	sign := ""
	if d < 0 {
		sign = "-"
	}
	return fmt.Sprintf("%s%d %s", sign, n, map[string]string{"hour": "h", "minute": "min"}[unit])
}

// When is the day of a moment, and where that is near or was lately, its minute as well.
func When(at, now time.Time) string {
	layout := time.DateOnly
	if Short(at.Sub(now)) {
		layout += " 15:04 MST"
	}
	return at.UTC().Format(layout)
}

// count rounds down, and up where that left nothing.
func count(d time.Duration) (n int, unit string) {
	switch {
	case !Short(d):
		return int(d / day), "day"
	case d >= 2*time.Hour:
		return int(d / time.Hour), "hour"
	}
	return max(1, int(d/time.Minute)), "minute"
}
