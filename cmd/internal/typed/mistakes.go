package typed

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// EveryMistake tells all that is wrong with the flags of a command line, of which
// the parser has told the first: it goes on without what it has told of.
func EveryMistake(args []string) func(*cobra.Command, error) error {
	return func(cmd *cobra.Command, first error) error {
		_, rest, err := cmd.Root().Find(args)
		if err != nil {
			return unknownFlag(cmd, first)
		}
		var all []error
		for mistake := first; mistake != nil; mistake = cmd.Flags().Parse(rest) {
			all = append(all, unknownFlag(cmd, mistake))
			from, n := mistaken(rest, mistake)
			if n == 0 {
				break // what comes after it can't be told
			}
			rest = slices.Delete(slices.Clone(rest), from, from+n)
		}
		return errors.Join(all...)
	}
}

// mistaken finds the words that a parser's error is about: from which on, and how many;
// 0 if they can't be told.
func mistaken(args []string, err error) (from, n int) {
	if unknown := (*pflag.NotExistError)(nil); errors.As(err, &unknown) {
		name := unknown.GetSpecifiedName()
		i := slices.IndexFunc(args, func(arg string) bool {
			if letters := unknown.GetSpecifiedShortnames(); letters != "" {
				return strings.HasPrefix(arg, "-") && strings.Contains(arg, letters)
			}
			return arg == "--"+name || strings.HasPrefix(arg, "--"+name+"=")
		})
		return max(i, 0), min(i+1, 1)
	}
	invalid := (*pflag.InvalidValueError)(nil)
	if !errors.As(err, &invalid) {
		return 0, 0
	}
	flag, value := invalid.GetFlag(), invalid.GetValue()
	for i, arg := range args {
		for _, spelled := range []string{"--" + flag.Name, "-" + flag.Shorthand} {
			switch {
			case arg == spelled && i+1 < len(args) && args[i+1] == value:
				return i, 2
			case arg == spelled+"="+value, arg == spelled+value:
				return i, 1
			}
		}
	}
	return 0, 0
}
