package target

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

// This file is commands about the same cluster, as somebody types them.

// FileCompose is the flag that names a Compose file instead of a cluster.
const FileCompose = "file-compose"

// Wait is how long a member may take to answer.
const Wait = time.Minute

// Examination has the doctor's commands be about the same cluster.
func (f *Flags) Examination() etcdctr.Examination {
	x := etcdctr.Examination{
		Flags: TypedAgain(f), CertsFlags: TypedAgain(f, certsFlags...), Wanted: TypedAgain(f, FileCompose),
		Detached: []string{"--detach"},
	}
	x.Command = func(verb string) string { return f.Again(verb) }
	return x
}

// Again is a command about the same cluster.
func (f *Flags) Again(words ...string) string {
	return strings.Join(slices.Concat([]string{"etcdctr"}, words, TypedAgain(f)), " ")
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
	if len(only) == 0 {
		only = append(only, certsFlags...)
		for _, k := range cluster.Keys() {
			only = append(only, k.Name)
		}
	}
	var words []string
	f.cmd.Flags().Visit(func(f *pflag.Flag) {
		if slices.Contains(only, f.Name) {
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
