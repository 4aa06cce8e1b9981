// Package typed is what somebody types before a command is run: the kinds of flags and
// arguments, how the help calls and groups them, what shells complete, and everything
// that is said of what there is not.
package typed

import (
	"fmt"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
)

// Choice is a flag whose value is one of a few words.
type Choice struct {
	Value *string
	Of    []string
}

// Words are those of a library's own type.
func Words[S ~string](of []S) []string {
	words := make([]string, len(of))
	for i, word := range of {
		words[i] = string(word)
	}
	return words
}

// String is the word that was chosen.
func (c *Choice) String() string {
	if c.Value == nil {
		return ""
	}
	return *c.Value
}

// Set takes one of the words.
func (c *Choice) Set(s string) error {
	for _, o := range c.Of {
		if s == o {
			*c.Value = s
			return nil
		}
	}
	return fmt.Errorf("must be one of %v", c.Of)
}

// Type is what the help shows as the value.
func (c *Choice) Type() string { return strings.Join(c.Of, "|") }

// Days is a flag for a duration that may be written in days too, as
// certificates are thought of.
type Days time.Duration

// Duration is the value; 0 where none was given.
func (d *Days) Duration() time.Duration { return time.Duration(*d) }

// String writes whole days as such.
func (d *Days) String() string {
	switch v := time.Duration(*d); {
	case v == 0:
		return ""
	case v%(24*time.Hour) == 0:
		return fmt.Sprintf("%dd", v/(24*time.Hour))
	default:
		return v.String()
	}
}

// Set reads what a cluster file takes, too.
func (d *Days) Set(text string) error {
	v, err := cluster.ParseDays(text)
	*d = Days(v)
	return err
}

// Type is what the help shows as the value.
func (d *Days) Type() string { return "duration" }
