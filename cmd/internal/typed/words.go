package typed

import (
	"strings"

	"github.com/spf13/pflag"
)

// This file tells flags of this program from those of another one that it runs.

// SplitArgs takes the leading flags that flags knows off args, of a program that has
// none of the same names.
func SplitArgs(flags *pflag.FlagSet, args []string) (own, rest []string) {
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return args[:i], args[i+1:]
		}
		name, _, hasValue := strings.Cut(args[i], "=")
		flag := lookup(flags, name)
		if flag == nil || flag.Name == "help" {
			return args[:i], args[i:]
		}
		if !hasValue && flag.NoOptDefVal == "" {
			i++ // its value
		}
	}
	return args, nil
}

// Misplaced are the words of flags' own flags behind the command of that program, which
// would only say that it has none of the names. Behind a -- they are whose command that is.
func Misplaced(flags *pflag.FlagSet, args []string) []string {
	var late []string
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		name, _, hasValue := strings.Cut(args[i], "=")
		flag := lookup(flags, name)
		if flag == nil || flag.Name == "help" {
			continue
		}
		late = append(late, args[i])
		if !hasValue && flag.NoOptDefVal == "" && i+1 < len(args) {
			i++
			late = append(late, args[i])
		}
	}
	return late
}

// LessThese is what is left of words once others, which are among them in this order, are
// taken out.
func LessThese(words, others []string) []string {
	var left []string
	for _, w := range words {
		if len(others) > 0 && w == others[0] {
			others = others[1:]
			continue
		}
		left = append(left, w)
	}
	return left
}

func lookup(flags *pflag.FlagSet, arg string) *pflag.Flag {
	if name, long := strings.CutPrefix(arg, "--"); long {
		return flags.Lookup(name)
	}
	if short, ok := strings.CutPrefix(arg, "-"); ok && len(short) == 1 {
		return flags.ShorthandLookup(short)
	}
	return nil
}
