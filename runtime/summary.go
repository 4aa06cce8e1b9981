package runtime

import (
	"slices"
	"strings"
)

// Summary is what there is to say of a cluster in one line, as scripts read it.
type Summary struct {
	Name    string `json:"name"`
	Runtime string `json:"runtime"` // the word of the key runtime, or hosts
	Members int    `json:"members"`
	Running int    `json:"running"`
	Status  string `json:"status"`  // up, up in part, not running, or down, data kept
	Program string `json:"program"` // of the first member: an image or a file
	Folder  string `json:"folder,omitempty"`
	// Aside is how often former data of its members was set aside, and is there.
	Aside int `json:"aside,omitempty"`
}

// Summary counts the members that are there, or those that have left their data.
func (s *State) Summary() Summary {
	members := s.Present()
	if s.Rests() {
		members = s.Members()
	}
	sum := Summary{Name: s.Name, Runtime: s.Runtime, Members: len(members), Folder: s.Folder, Aside: len(s.Aside)}
	for _, m := range members {
		if m.Runs() {
			sum.Running++
		}
		if sum.Program == "" {
			sum.Program = m.Program
		}
	}
	switch {
	case s.Rests():
		sum.Status = "down, data kept"
	case sum.Running == 0:
		sum.Status = "not running"
	case sum.Running < sum.Members:
		sum.Status = "up in part"
	default:
		sum.Status = "up"
	}
	return sum
}

// Releases are those that members are said to run, in order.
func (s *State) Releases() []string {
	var all []string
	for _, m := range s.Present() {
		if release := strings.TrimPrefix(m.Release, "v"); release != "" && !slices.Contains(all, release) {
			all = append(all, release)
		}
	}
	slices.Sort(all)
	return all
}
