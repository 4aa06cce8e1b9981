package typed

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/hints"
)

// This file is how the help shows flags, and what is said of one that there is
// not.

// flagWords say in the help what the value of a flag is, where its own name and
// type do not.
var flagWords = map[string]string{
	"at": "TIME", "backups": "FOLDER", "beside": "NAME", "ca": "FILE", "cacert": "FILE", "ca-cert": "FILE", "ca-key": "FILE",
	"cert": "FILE", "certificate": "FILE", "certs-dir": "FOLDER", "client": "NAME", "client-ca-cert": "FILE", "client-ca-key": "FILE",
	"cn": "NAME", "crl": "FILE", "data-dir": "FOLDER", "dir": "FOLDER", "discovery-cacert": "FILE",
	"discovery-cert": "FILE", "discovery-domain": "DOMAIN", "discovery-endpoints": "URLS", "discovery-key": "FILE",
	"discovery-network": "NAME", "discovery-password-file": "FILE", "discovery-srv-name": "NAME",
	"discovery-token": "TOKEN", "discovery-url": "URL", "discovery-user": "NAME", "dns-image": "IMAGE", "encrypt-to": "KEYS", "endpoints": "URLS", "env": "NAME=VALUE",
	"env-dir": "FOLDER", "env-file": "FILE", "etcd": "RELEASE", "etcd-binary": "FILE", "explain": "RULE", "file": "FILE", "file-compose": "FILE",
	"from": "PATH", "from-cfssl": "FOLDER", "host": "HOST", "identity-file": "FILE", "image": "IMAGE", "key": "IDENTITY=FILE", "listen": "ADDRESS:PORT",
	"member": "MEMBER", "members": "N", "mirror": "URL", "monitoring": "bool", "name": "NAME", "off": "RULES", "organization": "NAME", "output": "PATH", "outside": "HOST:PORT",
	"passphrase-file": "FILE", "password-file": "FILE", "peer-ca": "FILE", "peer-ca-cert": "FILE", "peer-ca-key": "FILE",
	"peer-crl": "FILE", "platform": "OS/ARCH", "client-port": "auto", "running": "NAME", "grep": "REGEXP",
	"sbom": "FILE", "scratch": "FOLDER", "since": "TIME", "subnet": "SUBNET", "tag": "IMAGE", "tail": "N",
}

// typeWords are the same for flags of which the type says enough.
var typeWords = map[string]string{"duration": "DURATION", "int": "N", "int64": "N", "uint64": "N", "user": "UID[:GID]"}

// InWords is a flag's value whose type is a word of the help.
type InWords struct {
	pflag.Value
	Word string
}

// Type is that word.
func (v InWords) Type() string { return v.Word }

// WordFlags has the help of a command, and of those below it, call each value by
// its word, and shells complete the words of a closed choice.
func WordFlags(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		WordFlags(sub)
	}
	cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		if _, said := flag.Value.(InWords); said {
			return
		}
		word, ok := flagWords[flag.Name]
		if kind := flag.Value.Type(); !ok && strings.HasPrefix(kind, "string") {
			word, ok = strings.ToUpper(flag.Name), true
		} else if !ok {
			word, ok = typeWords[kind]
		}
		if c, closed := flag.Value.(*Choice); closed {
			word, ok = c.Type(), false
		} else if key := cluster.ClosedChoiceOf(flag.Name); key.Words != nil {
			word, ok = strings.Join(key.Takes(), "|"), true
		}
		if flag.Name == "etcd" {
			_ = cmd.RegisterFlagCompletionFunc(flag.Name, cobra.FixedCompletions(cluster.ReleaseWords(), cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveKeepOrder))
		}
		if words := strings.Split(word, "|"); len(words) > 1 {
			// It fails for a flag that has a completion already, which then is right.
			_ = cmd.RegisterFlagCompletionFunc(flag.Name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
		}
		if ok {
			flag.Value = InWords{flag.Value, word}
		}
		if slices.Contains([]string{"[]", "0s", "0"}, flag.DefValue) {
			flag.DefValue = "" // the help shows no default that is none
		}
	})
}

// flagGroup is a part of a command's flags, under a title.
type flagGroup struct {
	Title string
	Flags *pflag.FlagSet
}

// Finding are the flags that find a cluster.
var Finding = []string{"file", "name", "certs-dir"}

// groupFlags parts the flags of a command: its own first, then those that many
// commands have, the common ones before those of a discovery service.
func groupFlags(cmd *cobra.Command) []flagGroup {
	var names []string
	for _, k := range cluster.Keys() {
		names = append(names, k.Name)
	}
	usual := append(slices.Clone(names), "runtime", "etcd-binary")
	find := group("Which cluster", cmd, Finding)
	describe := group("What it is, instead of the cluster file's keys", cmd, slices.DeleteFunc(usual, func(name string) bool {
		return slices.Contains(Finding, name) || strings.HasPrefix(name, "discovery-")
	}))
	meet := group("How its members find each other by discovery or DNS", cmd, slices.DeleteFunc(names, func(name string) bool {
		return !strings.HasPrefix(name, "discovery-")
	}))
	shared := []flagGroup{find, describe, meet}
	if cmd.LocalFlags().Lookup("members") == nil { // then they are about something else
		shared = []flagGroup{group(find.Title, cmd, append(slices.Clone(Finding), "runtime"))}
	}
	own := flagGroup{"Flags", ordered()}
	cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		if !slices.ContainsFunc(shared, func(g flagGroup) bool { return g.Flags.Lookup(flag.Name) != nil }) {
			own.Flags.AddFlag(flag)
		}
	})
	return slices.DeleteFunc(append([]flagGroup{own}, shared...), func(g flagGroup) bool { return !g.Flags.HasAvailableFlags() })
}

// group are those flags of a command that it has, in their order.
func group(title string, cmd *cobra.Command, names []string) flagGroup {
	g := flagGroup{title, ordered()}
	for _, name := range names {
		if flag := cmd.LocalFlags().Lookup(name); flag != nil {
			g.Flags.AddFlag(flag)
		}
	}
	return g
}

func ordered() *pflag.FlagSet {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.SortFlags = false
	return set
}

// ShowGroups has the help of all commands show their flags in groups.
func ShowGroups(root *cobra.Command) {
	cobra.AddTemplateFunc("groupFlags", groupFlags)
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(),
		"Flags:\n{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}",
		"{{range $i, $group := groupFlags .}}{{if $i}}\n\n{{end}}{{.Title}}:\n{{.Flags.FlagUsages | trimTrailingWhitespaces}}{{end}}", 1))
}

// unknownFlag says what somebody may have meant by a flag that the command does
// not have.
func unknownFlag(cmd *cobra.Command, err error) error {
	unknown := (*pflag.NotExistError)(nil)
	if !errors.As(err, &unknown) {
		return hints.Usage(err)
	}
	name := unknown.GetSpecifiedName()
	describes := slices.ContainsFunc(cluster.Keys(), func(k cluster.Key) bool { return k.Name == name })
	if describes && cmd.Flags().Lookup("certs-dir") != nil {
		return hints.With(hints.Usage(err), "what a cluster is stands in its file, or is said to `etcdctr up` or `etcdctr compose`: %s takes it from there", cmd.CommandPath())
	}
	var known []string
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { known = append(known, flag.Name) })
	if near := cluster.Nearest(name, known); near != "" {
		err = fmt.Errorf("%w: did you mean --%s?", err, near)
	}
	return hints.With(hints.Usage(err), "`%s --help` lists the flags", cmd.CommandPath())
}
