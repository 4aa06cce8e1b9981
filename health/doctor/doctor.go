// Package doctor names the cause of a stack that does not come up.
//
// It looks at what the members' containers are doing and what etcd has written
// to its log, and gives one cause with one command. Members that fail draw
// others into failing in other ways: one that is missing makes its peers
// complain about names that do not resolve. So the causes are ranked, and the
// one that explains the others wins.
//
// etcd's last line is often no help: whatever keeps a new member from starting
// ends in "discovery failed", and the cause is in that line's error field.
//
// The package is pure: the evidence is handed in.
package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Evidence is what is known of a stack.
type Evidence struct {
	Members []Member
	// Flags are those that name the cluster on a command line, and CertsFlags
	// those that name its certificates alone; each may be empty.
	Flags, CertsFlags []string
	// Wanted are the flags of `etcdctr up`, where they are not Flags.
	Wanted []string
	// Disk is the command that shows how full the members' disk is; empty: that
	// of the engine.
	Disk string
}

// command completes the pattern of a command.
func (e Evidence) command(pattern string) string {
	wanted := e.Wanted
	if wanted == nil {
		wanted = e.Flags
	}
	for placeholder, flags := range map[string][]string{"FLAGS": e.Flags, "CERTS": e.CertsFlags, "WANTED": wanted} {
		if len(flags) == 0 {
			pattern = strings.ReplaceAll(pattern, " "+placeholder, "")
		}
		pattern = strings.ReplaceAll(pattern, placeholder, strings.Join(flags, " "))
	}
	return strings.ReplaceAll(pattern, "DISK", cmp.Or(e.Disk, "docker system df"))
}

// Member is what is known of one member.
type Member struct {
	Name   string
	Status Status
	// ExitCode is that of a member that has exited.
	ExitCode int
	// OutOfMemory says that the kernel ended it for its memory.
	OutOfMemory bool
	// EngineError is why the engine could not start it.
	EngineError string
	// Serves says that it answers a linearizable read: whatever its log says is
	// over.
	Serves bool
	// Alarms are those that etcd has raised for it, in etcd's words.
	Alarms []string
	// Log is the end of its log, oldest line first.
	Log []string
}

// Status is what a member's container is doing, in Docker's words, or its
// process.
type Status string

// What a container may be doing.
const (
	Missing    Status = "missing"
	Created    Status = "created"
	Running    Status = "running"
	Restarting Status = "restarting"
	Paused     Status = "paused"
	Exited     Status = "exited"
	Dead       Status = "dead"

	Lost     Status = "lost"     // a process that was killed with its supervisor
	Orphaned Status = "orphaned" // one that was not
)

// Diagnosis is a cause and what to do about it.
type Diagnosis struct {
	Member   string // whose cause it is
	Cause    string // what is wrong with it
	Command  string // what puts it right
	Evidence string // the line of the log, or the engine's words, that tell it
	Known    bool   // false if nobody knows what is behind the evidence
}

// Diagnose gives the cause that explains the most, and false if there is
// nothing to explain.
func Diagnose(e Evidence) (Diagnosis, bool) {
	best, found := candidate{}, false
	for _, m := range e.Members {
		possible := fromAlarms(m)
		if !m.Serves {
			possible = slices.Concat(possible, fromEngine(m), fromLog(m))
		}
		for _, c := range possible {
			if !found || c.rank < best.rank {
				best, found = c, true
			}
		}
	}
	best.Command = e.command(best.Command)
	return best.Diagnosis, found
}

// candidate is a possible diagnosis. The one with the lowest rank wins, the
// earlier one of two.
type candidate struct {
	Diagnosis
	rank int
}

// Ranks between those of log lines, see rules.
const (
	rankEngine  = -1    // the engine knows for certain
	rankAlarm   = 500   // a member that does not serve is worse
	rankStopped = 1_000 // a reason for others to complain, when its own log has none
	rankFatal   = 1_001 // what ended it, in words that nobody knows
	rankEnded   = 1_002 // that it ended, without a word
	rankSymptom = 2_000 // follows from something else
	rankUnknown = 3_000 // something is wrong, and nothing is known of it
)

// fromEngine is what the container's state says.
func fromEngine(m Member) []candidate {
	c := candidate{Diagnosis: Diagnosis{Member: m.Name, Evidence: m.EngineError, Known: true}}
	if known, ok := recognise(engineErrors(), m, m.EngineError); ok {
		known.rank = rankEngine
		return []candidate{known}
	}
	switch {
	case m.EngineError != "":
		c.rank, c.Cause, c.Command, c.Known = rankEngine, "the engine can't start it: "+m.EngineError, up, false
	case m.OutOfMemory:
		c.rank, c.Cause, c.Command = rankEngine, "it was ended for using more memory than its container may", up
	case m.Status == Paused:
		c.rank, c.Cause, c.Command = rankEngine, "its container is paused", up
	case m.Status == Lost:
		c.rank, c.Cause, c.Command = rankEngine, "it was killed together with its supervisor, or with the machine", start
	case m.Status == Orphaned:
		c.rank, c.Cause, c.Command = rankEngine, "it runs without its supervisor, which was killed", start
	case m.Status == Missing:
		c.rank, c.Cause, c.Command = rankStopped, "it has no container", up
	case m.Status == Created:
		c.rank, c.Cause, c.Command = rankStopped, "its container was never started", up
	case m.Status == Exited && m.ExitCode == 0:
		c.rank, c.Cause, c.Command = rankStopped, "it was stopped", up
	case m.Status == Exited || m.Status == Dead:
		c.rank, c.Cause, c.Command, c.Known = rankEnded, fmt.Sprintf("it ended with exit code %d", m.ExitCode), up, false
	default:
		return nil
	}
	return []candidate{c}
}

// fromAlarms is what etcd itself raises the alarm about. Its log has none of
// it, and the member goes on answering reads.
func fromAlarms(m Member) []candidate {
	var found []candidate
	for _, alarm := range m.Alarms {
		switch alarm {
		case "NOSPACE":
			found = append(found, candidate{Diagnosis{
				m.Name, "its database reached the quota, and takes no more writes: delete and compact what is not needed, or raise quota-backend-bytes",
				makeRoom, "alarm " + alarm, true,
			}, rankAlarm})
		case "CORRUPT":
			found = append(found, candidate{Diagnosis{
				m.Name, "its data differs from that of the others: remove the member, delete its data and add it anew",
				"etcdctr etcdctl FLAGS member list", "alarm " + alarm, true,
			}, rankAlarm})
		}
	}
	return found
}

// fromLog is what the log says: each line that a rule knows, and the last error
// that none does. If that error ended the member, it is more than a symptom: the
// lines before it may tell of peers that came or went meanwhile.
func fromLog(m Member) []candidate {
	var found []candidate
	unknown := candidate{rank: rankUnknown}
	for _, line := range m.Log {
		entry := readEntry(line)
		if c, ok := recognise(rules(), m, entry.text); ok {
			found = append(found, c)
			continue
		}
		if entry.bad() {
			unknown.Diagnosis = Diagnosis{m.Name, "it says: " + entry.text, "etcdctr logs FLAGS " + m.Name, entry.text, false}
		}
		if entry.fatal() {
			unknown.rank = rankFatal
		}
	}
	if unknown.rank == rankFatal || len(found) == 0 && unknown.Cause != "" {
		found = append(found, unknown)
	}
	return found
}
