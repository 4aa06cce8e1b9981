package health

import (
	"fmt"
	"slices"
	"strings"
)

// Changes tells in words what of a report is not as it was in the one before.
func Changes(before, now Report) []string {
	var all []string
	if before.Leader != now.Leader && now.Leader != "" {
		all = append(all, now.Leader+" leads")
	}
	for _, m := range now.Members {
		i := slices.IndexFunc(before.Members, func(x MemberReport) bool { return x.Name == m.Name })
		if i < 0 {
			all = append(all, m.Name+" is new")
			continue
		}
		was := before.Members[i]
		switch {
		case was.Error == "" && m.Error != "":
			all = append(all, m.Name+" is silent")
		case was.Error != "" && m.Error == "":
			all = append(all, m.Name+" answers again")
		case was.Version != m.Version && m.Error == "" && was.Error == "":
			all = append(all, fmt.Sprintf("%s runs %s, and ran %s", m.Name, m.Version, was.Version))
		case was.Role == Learner && m.Role == Follower:
			all = append(all, m.Name+" has a vote")
		}
		if len(was.Alarms) != len(m.Alarms) {
			all = append(all, m.Name+" has "+alarmsInWords(m))
		}
	}
	for _, m := range before.Members {
		if !slices.ContainsFunc(now.Members, func(x MemberReport) bool { return x.Name == m.Name }) {
			all = append(all, m.Name+" is gone")
		}
	}
	return all
}

func alarmsInWords(m MemberReport) string {
	if len(m.Alarms) == 0 {
		return "no alarm"
	}
	return "the alarms " + strings.Join(m.Alarms, ", ")
}
