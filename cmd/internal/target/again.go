package target

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/compose"
)

// This file is commands about the same cluster, as somebody types them.

// FileCompose is the flag that names a Compose file instead of a cluster.
const FileCompose = "file-compose"

// Wait is how long a member may take to answer.
const Wait = time.Minute

// Examination has the doctor's commands be about the same cluster. Which other flags a
// command takes is known to Command.
func (f *Flags) Examination() etcdctr.Examination {
	x := etcdctr.Examination{
		Flags: TypedAgain(f, typed.Finding...), CertsFlags: TypedAgain(f, certsFlags...), Wanted: TypedAgain(f, FileCompose),
		Detached: []string{"--detach"},
	}
	x.Command = func(verb string) string { return f.Again(verb) }
	return x
}

// Again is a command about the same cluster.
func (f *Flags) Again(words ...string) string {
	return retypeLine(f.cmd, strings.Join(append([]string{"etcdctr"}, words...), " "))
}

// Again is a command about the same cluster.
func (f *Found) Again(words ...string) string { return f.flags.Again(words...) }

// AgainUp is the command that starts the cluster and ends.
func (f *Found) AgainUp() string {
	if f.Holds() {
		return f.Again("up", "--detach")
	}
	return f.Again("up")
}

// certsFlags are those that find a cluster's certificates.
var certsFlags = []string{"file", "certs-dir"}

// TypedAgain gives the flags that the cluster was described with, all or some
// of them, for another command line.
func TypedAgain(f *Flags, only ...string) []string {
	return FlagsAgain(f, compose.QuoteShell, only...)
}

// FlagsAgain gives them with their values as quote writes them.
func FlagsAgain(f *Flags, quote func(string) string, only ...string) []string {
	var words []string
	f.cmd.Flags().Visit(func(f *pflag.Flag) {
		if slices.Contains(only, f.Name) || len(only) == 0 && isOfCluster(f) {
			words = append(words, flagWords(f, quote(f.Value.String()))...)
		}
	})
	return words
}

// flagWords are a flag and a value of it as they are typed.
func flagWords(f *pflag.Flag, value string) []string {
	if f.NoOptDefVal != "" { // what follows behind a space is no value
		return []string{"--" + f.Name + "=" + value}
	}
	return []string{"--" + f.Name, value}
}

// ofCluster marks the flags that say which cluster is meant, and what it is. Others have
// the name of one on some commands, and mean something else there.
const ofCluster = "etcdctr-of-cluster"

// markOfCluster marks a flag of a command.
func markOfCluster(cmd *cobra.Command, name string) {
	cmd.Flags().Lookup(name).Annotations = map[string][]string{ofCluster: nil}
}

func isOfCluster(f *pflag.Flag) bool {
	_, is := f.Annotations[ofCluster]
	return is
}

// typedCommands are the commands in a text that somebody can type.
var typedCommands = regexp.MustCompile("`etcdctr [^`]+`")

// Retype has the commands that a text names be about the cluster that a command line is
// about. Who words an error, a refusal or a finding does not know how the cluster was
// found, and the bare command would be about the one of the folder.
func Retype(cmd *cobra.Command) func(text string) string {
	return func(text string) string {
		return typedCommands.ReplaceAllStringFunc(text, func(quoted string) string {
			return "`" + retypeLine(cmd, strings.Trim(quoted, "`")) + "`"
		})
	}
}

// between is what stands between commands that are typed as one line.
const between = " && "

func retypeLine(cmd *cobra.Command, line string) string {
	commands := strings.Split(line, between)
	for i, c := range commands {
		commands[i] = retypeCommand(cmd, c)
	}
	return strings.Join(commands, between)
}

// retypeCommand gives a command those flags of cmd about the cluster that it takes and
// does not have. One that names a cluster itself means that one.
func retypeCommand(cmd *cobra.Command, command string) string {
	words := strings.Fields(command)
	if len(words) < 2 || words[0] != cmd.Root().Name() {
		return command
	}
	named, _, err := cmd.Root().Find(words[1:])
	if err != nil || named == cmd.Root() {
		return command
	}
	own, others := command, ""
	if at := strings.Index(command, " -- "); at >= 0 {
		own, others = command[:at], command[at:]
	}
	if has(own, named.Flags().Lookup("name")) || has(own, named.Flags().Lookup(FileCompose)) {
		return command
	}
	var missing []string
	cmd.Flags().Visit(func(f *pflag.Flag) {
		takes := named.Flags().Lookup(f.Name)
		if takes != nil && isOfCluster(takes) && isOfCluster(f) && !has(own, takes) && matters(f, own, named) {
			missing = append(missing, flagWords(f, compose.QuoteShell(f.Value.String()))...)
		}
	})
	if len(missing) == 0 {
		return command
	}
	if named.DisableFlagParsing { // what comes behind is of another program
		path := named.CommandPath()
		own, others = path, strings.TrimPrefix(command, path)
	}
	return own + " " + strings.Join(missing, " ") + others
}

// takingBack are the flags of commands that take back, or delete, what is there: they take
// nothing of what a cluster is to be.
var takingBack = []string{"forget-old", "undo", "discard"}

// matters tells whether a command takes something of a flag about the cluster.
func matters(f *pflag.Flag, command string, named *cobra.Command) bool {
	if f.Name == "tls" && f.Value.String() == string(cluster.NoTLS) && named.CommandPath() == named.Root().Name()+" certs create" {
		return false // there is nothing to be made then
	}
	if f.Name == "runtime" || slices.Contains(typed.Finding, f.Name) {
		return true
	}
	return !slices.ContainsFunc(takingBack, func(name string) bool { return has(command, named.Flags().Lookup(name)) })
}

// has tells whether a command gives a flag; nil is none.
func has(command string, f *pflag.Flag) bool {
	return f != nil && slices.ContainsFunc(strings.Fields(command), func(word string) bool {
		name, _, _ := strings.Cut(word, "=")
		return name == "--"+f.Name || f.Shorthand != "" && name == "-"+f.Shorthand
	})
}
