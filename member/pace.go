package member

import "time"

// Pace tells whether members that are waited for come nearer, and for how long to
// have patience with them. Its zero value has seen nothing yet.
type Pace struct {
	best map[string]Endpoint // as each was when it had come furthest
}

// Moved looks at the members once more: whether one of them that is not in step, or
// does not serve, has come further than it ever was. One that starts again and again
// does not.
func (p *Pace) Moved(v View) bool {
	moved := false
	for _, e := range v.Endpoints {
		best, known := p.best[e.Name]
		if !e.Answers() || known && e.Applied <= best.Applied && e.DBSize <= best.DBSize {
			continue
		}
		if p.best == nil {
			p.best = map[string]Endpoint{}
		}
		p.best[e.Name] = e
		behind, _ := v.Behind(e.Name)
		moved = moved || !known || behind > 0 || !e.Serves()
	}
	return moved
}

// allowance is the time that it may take to send a member that lags what the others
// hold: that happens in one piece, of which the member tells nothing.
func (v View) allowance() time.Duration {
	var largest int64
	lags := false
	for _, e := range v.Endpoints {
		behind, _ := v.Behind(e.Name)
		lags, largest = lags || behind > 0, max(largest, e.DBSize)
	}
	if !lags {
		return 0
	}
	return TimeFor(largest)
}
