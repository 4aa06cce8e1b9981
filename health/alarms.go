package health

import (
	"regexp"
	"slices"
	"strconv"
)

// alarmText is how etcd writes an alarm among a status's errors:
// "memberID:10276657743932975437 alarm:NOSPACE". The text form of protocol
// buffers varies its spaces on purpose.
var alarmText = regexp.MustCompile(`(?:memberID:\s*(\d+)\s+)?alarm:\s*(\w+)`)

// alarm is one that etcd has raised for a member.
type alarm struct {
	member uint64
	kind   string
}

// alarms reads all members' alarms from the status that one of them tells:
// asking for them would be a write.
func (a answer) alarms() []alarm {
	var found []alarm
	for _, e := range a.status.Errors {
		if m := alarmText.FindStringSubmatch(e); m != nil {
			id, _ := strconv.ParseUint(m[1], 10, 64) // 0 where it is not said
			found = append(found, alarm{id, m[2]})
		}
	}
	return found
}

// alarmsOf are the kinds of alarm that concern a member: its own, and those of
// nobody who is there, which a snapshot brings along and which stop everybody.
func (v *verdict) alarmsOf(a answer) []string {
	var kinds []string
	for _, x := range a.alarms() {
		concerns := x.member == a.status.Header.MemberId || !v.present(x.member)
		if concerns && !slices.Contains(kinds, x.kind) {
			kinds = append(kinds, x.kind)
		}
	}
	return kinds
}

func (v *verdict) present(id uint64) bool {
	return slices.ContainsFunc(v.answered(), func(a answer) bool { return a.status.Header.MemberId == id })
}
