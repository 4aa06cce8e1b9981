package healthview

import (
	"fmt"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/runtime"
)

// Colour tells at a glance how a server is.
func Colour(s etcdctr.Standing) text.Colors {
	switch {
	case s.Health == etcdctr.Healthy:
		return terminal.Good
	case s.Health == etcdctr.Unhealthy, s.Status == runtime.Failed, s.Status == runtime.Restarting:
		return terminal.Bad
	case s.Runs() && s.Health == "": // nothing that has a health
		return nil
	}
	return terminal.Odd
}

// Status is "running for 3 minutes, healthy".
func Status(s etcdctr.Standing, now time.Time) string {
	text := string(s.Status)
	if !s.Since.IsZero() {
		text += " for " + strings.ToLower(units.HumanDuration(now.Sub(s.Since)))
	}
	if s.Health != "" {
		text += ", " + string(s.Health)
	}
	if s.Restarts > 0 {
		text += ", " + terminal.Plural(s.Restarts, "restart")
	}
	if s.Detail != "" && !s.Runs() && s.Status != runtime.Created {
		text += fmt.Sprintf(" (%s)", s.Detail)
	}
	return text
}
