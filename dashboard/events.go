package dashboard

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/logs"
	"github.com/etcdctr/etcdctr/runtime"
)

// Event is something that happened.
type Event struct {
	ID     int       `json:"id"` // grows
	Time   time.Time `json:"time"`
	Kind   Kind      `json:"kind"`
	Member string    `json:"member,omitempty"`
	Text   string    `json:"text"`
	// Count is how often it happened, and Time the last of it.
	Count int `json:"count"`

	key string // events of one key within a minute are one
}

// Kind is what an event is about; the page has a mark for each.
type Kind string

// The kinds of events.
const (
	Election Kind = "election" // who leads
	Change   Kind = "change"   // members, releases and settings
	Run      Kind = "run"      // a member was started, stopped, or ended
	Backup   Kind = "backup"
	Slow     Kind = "slow"
	Refused  Kind = "refused" // somebody who was not let in
	Trouble  Kind = "trouble" // health, alarms and errors
	Well     Kind = "well"    // the end of trouble
)

// chronicle keeps the last events, the oldest first.
type chronicle struct {
	last   int
	events []Event

	elections map[string]bool // that are known, by their keys: every term has one
}

const (
	mostEvents = 300
	together   = time.Minute
)

// add writes an event down. One like it a moment ago is the same that goes on, and
// every member tells of the same election.
func (c *chronicle) add(e Event) {
	e.key = cmp.Or(e.key, string(e.Kind)+e.Member+e.Text)
	if e.Kind == Election {
		if c.elections[e.key] {
			return // a member that was started tells of it again
		}
		c.elections[e.key] = true
	}
	c.last++
	e.ID, e.Count = c.last, max(e.Count, 1)
	for i := len(c.events) - 1; i >= 0; i-- {
		same := c.events[i]
		if e.Time.Sub(same.Time) > together {
			break
		}
		if same.key == e.key {
			e.Count += same.Count
			c.events = slices.Delete(c.events, i, i+1)
			break
		}
	}
	c.events = append(c.events, e)
	slices.SortStableFunc(c.events, func(a, b Event) int { return a.Time.Compare(b.Time) })
	c.events = c.events[max(0, len(c.events)-mostEvents):]
}

// heard makes an event of what a member said, if it is one. names knows the
// members' IDs.
func heard(e logs.Entry, names *logs.Names) (Event, bool) {
	message := names.Put(e.Message)
	event := Event{Time: e.Time, Member: e.Server}
	switch {
	case elected.MatchString(message):
		leader := elected.FindStringSubmatch(message)
		event.Kind, event.Member, event.Text = Election, leader[1], "leads, elected at term "+leader[2]
		event.key = "elected " + leader[2]
	case strings.HasPrefix(message, "sending database snapshot to client"):
		event.Kind, event.Text = Backup, "gave a snapshot of its database away, a backup perhaps"
	case strings.HasPrefix(message, "apply request took too long"):
		event.Kind, event.Text, event.key = Slow, slowText(e), "slow "+e.Server
	case strings.HasPrefix(message, "slow fdatasync"):
		event.Kind, event.Text, event.key = Slow, "its disk took "+e.Field("took")+" to keep a write", "disk "+e.Server
	case strings.HasPrefix(message, "rejected connection") && strings.Contains(e.Field("error"), "tls: "):
		_, why, _ := strings.Cut(e.Field("error"), "tls: ") // one that only went away was not refused
		why, _, _ = strings.Cut(why, ": current time")      // which is another one each time
		event.Kind, event.Member, event.Text = Refused, "", "somebody was refused: "+why
	case strings.HasPrefix(message, "alarm raised"), strings.HasPrefix(message, "finished defragmenting"), strings.HasPrefix(message, "finished scheduled compaction"):
		event.Kind, event.Text = Change, message
	case e.Level == logs.Fatal:
		event.Kind, event.Text = Trouble, strings.TrimSpace(message+" "+names.Put(e.Field("error")))
	default:
		return Event{}, false
	}
	return event, true
}

var elected = regexp.MustCompile(`elected leader (\S+) at term (\d+)`)

func slowText(e logs.Entry) string {
	text := "a request took " + e.Field("took")
	if request := e.Field("request"); request != "" {
		const longest = 80
		if runes := []rune(request); len(runes) > longest {
			request = string(runes[:longest]) + "…"
		}
		text += ": " + e.Field("prefix") + request
	}
	return text
}

// changed gives what became of the members between two looks at what runs them.
func changed(before, now *runtime.State, at time.Time) []Event {
	if before == nil || now == nil {
		return nil
	}
	var events []Event
	say := func(kind Kind, member, format string, args ...any) {
		events = append(events, Event{Time: at, Kind: kind, Member: member, Text: fmt.Sprintf(format, args...)})
	}
	for _, m := range now.Members() {
		was, known := before.Server(m.Name)
		switch {
		case !known || was.Status == runtime.Absent && m.Status != runtime.Absent:
			say(Change, m.Name, "is new")
			continue
		case was.Status != m.Status:
			say(Run, m.Name, "%s", statusText(m))
		case m.Restarts > was.Restarts:
			say(Run, m.Name, "ended by itself and was started again")
		case m.Runs() && m.Since.After(was.Since) && !was.Since.IsZero():
			say(Run, m.Name, "was started anew")
		}
		if was.Release != m.Release && m.Release != "" && was.Release != "" {
			say(Change, m.Name, "runs etcd %s, and ran %s", m.Release, was.Release)
		}
		if names := differing(was, m); len(names) > 0 {
			say(Change, m.Name, "has other settings: %s", strings.Join(names, ", "))
		}
	}
	for _, m := range before.Members() {
		if _, still := now.Server(m.Name); !still {
			say(Change, m.Name, "is gone")
		}
	}
	return events
}

func statusText(m runtime.Server) string {
	switch m.Status {
	case runtime.Running:
		return "was started"
	case runtime.Failed, runtime.Ended:
		return fmt.Sprintf("ended by itself with code %d", m.ExitCode)
	case runtime.Absent:
		return "was removed, its data is kept"
	}
	return "is " + string(m.Status)
}

// differing are the names of settings that are not what they were. How a cluster
// was founded is none of them.
func differing(was, is runtime.Server) []string {
	if len(was.Settings) == 0 || len(is.Settings) == 0 {
		return nil
	}
	names := map[string]bool{}
	for _, s := range slices.Concat(was.Settings, is.Settings) {
		if !strings.HasPrefix(s.Name, "initial-") && was.Settings.Get(s.Name) != is.Settings.Get(s.Name) {
			names[s.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// judged gives what changed between two reports.
func judged(before, now health.Report) []Event {
	var events []Event
	if before.Time.IsZero() {
		if !now.Healthy {
			events = append(events, Event{Time: now.Time, Kind: Trouble, Text: now.Failures[0]})
		}
		return events
	}
	switch {
	case !now.Healthy && (before.Healthy || before.Failures[0] != now.Failures[0]):
		events = append(events, Event{Time: now.Time, Kind: Trouble, Text: now.Failures[0]})
	case now.Healthy && !before.Healthy:
		events = append(events, Event{Time: now.Time, Kind: Well, Text: "the cluster is healthy again"})
	}
	learners := map[string]bool{}
	for _, m := range before.Membership {
		learners[m.ID] = m.Learner
	}
	for _, m := range now.Membership {
		was, known := learners[m.ID]
		switch {
		case len(before.Membership) == 0:
		case !known && m.Learner:
			events = append(events, Event{Time: now.Time, Kind: Change, Member: m.Name, Text: "joined, without a vote at first"})
		case was && !m.Learner:
			events = append(events, Event{Time: now.Time, Kind: Change, Member: m.Name, Text: "is in step and has a vote"})
		}
	}
	return events
}
