package etcdflags_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/internal/etcdflags"
)

// choice takes two words only.
type choice string

func (c *choice) String() string { return string(*c) }
func (c *choice) Set(s string) error {
	if s != "new" && s != "existing" {
		return fmt.Errorf("must be new or existing")
	}
	*c = choice(s)
	return nil
}

// ignored is a flag of long ago.
type ignored struct{}

func (ignored) String() string { return "" }
func (ignored) Set(string) error {
	fmt.Fprintln(os.Stderr, `flag "-old" is no longer supported - ignoring.`)
	return nil
}

// urls takes what has a scheme.
type urls struct{}

func (urls) String() string { return "" }
func (urls) Set(s string) error {
	if !strings.Contains(s, "://") {
		return fmt.Errorf("no scheme")
	}
	return nil
}

// TestMain lets the test binary be a program with flags of every kind.
func TestMain(m *testing.M) {
	if os.Getenv("BE_ETCD") == "" {
		os.Exit(m.Run())
	}
	flags := flag.NewFlagSet("etcd", flag.ExitOnError)
	flags.Usage = func() {
		fmt.Fprint(os.Stderr, "Member:\n  --name 'default'\n    Name.\n  --on\n    Whether.\n")
	}
	flags.String("name", "default", "")
	flags.Bool("on", false, "")
	flags.Duration("every", time.Second, "")
	flags.Int("least", -1, "")
	flags.Uint("most", 1, "")
	flags.Var(new(choice), "state", "")
	flags.Var(urls{}, "listen", "")
	flags.Var(ignored{}, "old", "")
	_ = flags.Parse(os.Args[1:]) // ends the program
	os.Exit(3)
}

func TestKindTellsWhatAFlagTakes(t *testing.T) {
	t.Setenv("BE_ETCD", "1")
	for name, want := range map[string]string{
		"name": "text []", "on": "boolean []", "every": "duration []", "least": "integer []", "most": "count []",
		"listen": "urls []", "state": "choice [new existing]", "old": "ignored []", "none": " []",
	} {
		kind, allowed, err := etcdflags.Kind(context.Background(), os.Args[0], name, []string{"new", "old", "existing"})
		if got := fmt.Sprintf("%s %v", kind, allowed); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
	}
}

func TestAskTellsTheFirstUnknownFlag(t *testing.T) {
	t.Setenv("BE_ETCD", "1")
	got, err := etcdflags.Ask(context.Background(), os.Args[0], "--name=x", "--nmae=x", "--nome=x")
	if diff := cmp.Diff(etcdflags.Answer{Unknown: "nmae"}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestHelpHasTheDefaults(t *testing.T) {
	t.Setenv("BE_ETCD", "1")
	got, err := etcdflags.Help(context.Background(), os.Args[0])
	if diff := cmp.Diff(map[string]string{"name": "default", "on": ""}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}
