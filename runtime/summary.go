package runtime

// Summary is what there is to say of a cluster in one line, as scripts read it.
type Summary struct {
	Name    string `json:"name"`
	Runtime string `json:"runtime"` // the word of the key runtime, or hosts
	Members int    `json:"members"`
	Running int    `json:"running"`
	Program string `json:"program"` // of the first member: an image or a file
	Folder  string `json:"folder,omitempty"`
}

// Summary counts the members that are there.
func (s *State) Summary() Summary {
	members := s.Present()
	sum := Summary{Name: s.Name, Runtime: s.Runtime, Members: len(members), Folder: s.Folder}
	for _, m := range members {
		if m.Runs() {
			sum.Running++
		}
		if sum.Program == "" {
			sum.Program = m.Program
		}
	}
	return sum
}
