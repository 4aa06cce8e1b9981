package typed

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/internal/listed"
)

// NoArgs wants nothing but flags.
func NoArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return hints.Usage(fmt.Errorf("%s takes flags only, and not %q: %s", cmd.CommandPath(), args[0], cmd.UseLine()))
}

// AtMost wants one argument, or none.
func AtMost(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= 1 {
			return nil
		}
		return hints.Usage(fmt.Errorf("%s takes one %s at most, and not %q too: %s", cmd.CommandPath(), name, args[1], cmd.UseLine()))
	}
}

// Exact wants the named arguments, and names the missing ones.
func Exact(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		return hints.Usage(fmt.Errorf("%s takes %s: %s", cmd.CommandPath(), listed.And(names), cmd.UseLine()))
	}
}

// Exactly is cobra.ExactArgs with a sentence that says what is wanted.
func Exactly(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return hints.Usage(fmt.Errorf("give %s", what))
		}
		return nil
	}
}
