package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/etcdctr/etcdctr/compose"
)

// KeptError is the error of a file that is there and holds what was not made here: to
// write over it would lose that.
type KeptError struct{ Path, Holds string }

func (e *KeptError) Error() string {
	return fmt.Sprintf("%s is there, and %s: it stays as it is", e.Path, e.Holds)
}

// keep refuses to write over a file that holds what was not made here, as holds tells of
// its text; empty: nothing. What is no regular file holds nothing.
func keep(path string, holds func(text []byte) string) error {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return fmt.Errorf("cannot tell what would be written over: %w", err)
	}
	if held := holds(text); held != "" {
		return &KeptError{path, held}
	}
	return nil
}

// inCompose is what a Compose file has that is of somebody else.
func inCompose(text []byte) string {
	strangers, err := compose.Strangers(text)
	switch {
	case err != nil:
		return "can't be read as a Compose file"
	case len(strangers) > 0:
		return "has what etcdctr did not put there: " + strings.Join(strangers, ", ")
	}
	return ""
}

// procfileLine is a line that compose.Procfile writes.
var procfileLine = regexp.MustCompile(`^([^:\s]+): ETCD_NAME=\S+ .*\bexec `)

// inProcfile is what a Procfile has that is of somebody else.
func inProcfile(text []byte) string {
	var strangers []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || procfileLine.MatchString(line) {
			continue
		}
		name, _, _ := strings.Cut(line, ":")
		strangers = append(strangers, name)
	}
	if len(strangers) > 0 {
		return "has what etcdctr did not put there: " + strings.Join(strangers, ", ")
	}
	return ""
}

// marks are what files of a folder begin with that were made here, by their names' endings.
var marks = map[string]*regexp.Regexp{
	".service": regexp.MustCompile(`\A# .*Made by etcdctr\.`),
	".env":     regexp.MustCompile(`\A(ETCD_NAME=.*\nETCD_DATA_DIR=|ETCDCTR_)`),
	".conf":    regexp.MustCompile(`\Au etcd `), // for systemd-sysusers
}

// inFolder is keep's for a file of a folder.
func inFolder(name string) func(text []byte) string {
	return func(text []byte) string {
		if mark := marks[filepath.Ext(name)]; len(text) > 0 && mark != nil && !mark.Match(text) {
			return "etcdctr did not make it"
		}
		return ""
	}
}
