package adopt

import (
	"fmt"
	"regexp"
	"slices"
)

// DeniedError is the error of members that have no data as one of them may not write where
// it goes: it runs as another user than the one whose folder that is. It is an ErrEmpty.
type DeniedError struct {
	Stack, Member string
	// User is the one that the member runs as, and DataDir where it may not write.
	User, DataDir string
}

func (e *DeniedError) Error() string {
	return fmt.Sprintf("%s: %v: %s runs as user %s, and may not write to %s", e.Stack, ErrEmpty, e.Member, e.User, e.DataDir)
}

func (e *DeniedError) Unwrap() error { return ErrEmpty }

// deniedWords are etcd's own about a data folder that is another user's.
var deniedWords = regexp.MustCompile(`(?:cannot access|failed to list) data directory.*permission denied`)

// whyEmpty is the error of a stack with nothing to adopt, by what its members said last.
func (s *Stack) whyEmpty(said map[string][]string) error {
	for _, m := range s.Members {
		if m.user != "" && slices.ContainsFunc(said[m.Name], deniedWords.MatchString) {
			return &DeniedError{Stack: s.Name, Member: m.Name, User: m.user, DataDir: m.DataDir}
		}
	}
	return fmt.Errorf("%s: %w", s.Name, ErrEmpty)
}
