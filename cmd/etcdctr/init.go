package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

func newInitCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a cluster file to begin with, commented",
		Long: `init writes a cluster file, etcdctr.yaml unless -f names another: what was said by
flags, and every usual key besides with its default, commented out. On a terminal
it asks three questions where no flag has answered. A file that is there stays as
it is. ` + "`etcdctr up`" + ` makes the cluster what the file says, now and after every change.`,
		Example: `  etcdctr init
  etcdctr init --name orders --members 5 --profile production
  etcdctr init -f orders/etcdctr.yaml --name orders`,
		Args: noArgs,
	}
	f := &clusterFlags{cmd: cmd}
	addFileFlag(cmd, f)
	for _, s := range specFlags {
		s.add(cmd)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runInit(cmd.Context(), a, f) }
	return cmd
}

func runInit(ctx context.Context, a *app, f *clusterFlags) error {
	if err := f.readVariables(); err != nil {
		return err
	}
	path := cmp.Or(f.file, defaultClusterFile)
	if path == "-" {
		return usage(errors.New("-f: init writes a file: name one"))
	}
	if _, err := os.Lstat(path); err == nil {
		return withHint(usage(fmt.Errorf("%s is there, and stays as it is", path)), "-f names another file to write")
	} else if !errors.Is(err, fs.ErrNotExist) {
		return usage(fmt.Errorf("cannot write the cluster file: %w", err))
	}
	said := f.said()
	if len(said) == 0 && a.atTerminal() {
		var err error
		if said, err = askInit(func(question string) (string, error) { return a.ask(ctx, question) }, a.fail); err != nil {
			return err
		}
	}
	file := initialFile(said)
	if err := acceptable(path, file); err != nil {
		return usage(err)
	}
	if err := writeFile(path, file, 0o644); err != nil {
		return fmt.Errorf("cannot write the cluster file: %w", err)
	}
	a.say("%s is written: edit it, then `etcdctr up%s`", path, fileFlag(f.file))
	return nil
}

// fileFlag is -f as it is typed, for a file that is not looked for.
func fileFlag(file string) string {
	if file == "" {
		return ""
	}
	return " -f " + compose.QuoteShell(file)
}

// said are the keys that flags have given.
func (f *clusterFlags) said() map[string]string {
	said := map[string]string{}
	for _, s := range specFlags {
		if flag := f.cmd.Flags().Lookup(s.key); flag.Changed {
			said[s.key] = flag.Value.String()
		}
	}
	return said
}

// askInit asks the three questions. An answer that can't be meant is told, and
// asked for again; none is the default.
func askInit(ask func(string) (string, error), tell func(error)) (map[string]string, error) {
	said := map[string]string{}
	for _, q := range []struct{ key, question, fallback string }{
		{"name", "name of the cluster", "etcd"},
		{"members", "how many members: 3 survive the loss of one, 5 that of two", "3"},
		{"profile", cluster.ClosedChoiceOf("profile").String(), cluster.DefaultProfile},
	} {
		for {
			answer, err := ask(fmt.Sprintf("%s [%s]", q.question, q.fallback))
			if err != nil {
				return nil, err
			}
			said[q.key] = cmp.Or(answer, q.fallback)
			err = acceptable("answer", initialFile(said))
			if err == nil {
				break
			}
			tell(err)
		}
	}
	return said, nil
}

// acceptable reports all that is wrong with a cluster file.
func acceptable(name string, file []byte) error {
	spec, err := cluster.Load(name, file)
	if err != nil {
		return err
	}
	return cluster.Check(spec)
}

// usualKeys are those that a first file shows, in their order, each with its
// default and what there is to know before it is changed.
var usualKeys = []struct{ key, fallback, about string }{
	{"name", "etcd", "The cluster, and its Compose project: lower-case letters, digits, hyphens."},
	{"members", "3", "How many: 3 survive the loss of one, 5 that of two. Or a list of names."},
	{"etcd", cluster.DefaultVersion.String(), fmt.Sprintf("A release, or a minor such as 3.%d for the release of it that is tested.", cluster.NewestMinor-1)},
	{"profile", "", ""},
	{"runtime", "", ""},
	{"publish", "", ""},
	{"tls", "", "Running members go over from none to mutual, and back."},
	{"bootstrap", "", ""},
	{"data", string(cluster.Volume), ""},
	{"quota-backend-bytes", "2GiB", "How large the database may grow, and how it is kept small."},
	{"auto-compaction-retention", "1h", ""},
	{"monitoring", "false", "A Prometheus beside members in containers, on their network."},
}

// comment is what stands above a key in a first file: of a closed choice its words
// first.
func comment(key, about string) string {
	choice := cluster.ClosedChoiceOf(key)
	if choice.Words == nil {
		return about
	}
	words := choice.String() + "."
	return strings.TrimSpace(strings.ToUpper(words[:1]) + words[1:] + " " + about)
}

// initialFile is a cluster file that says what was said, and shows what else there
// is to say.
func initialFile(said map[string]string) []byte {
	var b strings.Builder
	b.WriteString("# An etcd cluster, for `etcdctr up` and `etcdctr compose`. Every key may be left out:\n" +
		"# what is commented out is the default. All keys: docs/cluster-file.md, or\n" +
		"# `etcdctr explain` for those of etcd itself.\nversion: 1\n")
	usual := map[string]bool{}
	for _, k := range usualKeys {
		usual[k.key] = true
		if about := comment(k.key, k.about); about != "" {
			fmt.Fprintf(&b, "\n# %s\n", about)
		}
		if value, ok := said[k.key]; ok {
			b.WriteString(yamlLine(k.key, value))
		} else {
			b.WriteString("# " + yamlLine(k.key, cmp.Or(k.fallback, cluster.ClosedChoiceOf(k.key).Default)))
		}
	}
	for _, s := range specFlags {
		if value, ok := said[s.key]; ok && !usual[s.key] {
			fmt.Fprintf(&b, "\n# The %s.\n%s", s.usage, yamlLine(s.key, value))
		}
	}
	b.WriteString("\n# Any other setting of etcd, by its name.\n# settings:\n#   max-request-bytes: 10485760\n")
	return []byte(b.String())
}

// yamlLine is a key with its value, quoted where that is needed.
func yamlLine(key, value string) string {
	line, err := yaml.Marshal(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
		{Kind: yaml.ScalarNode, Value: key}, {Kind: yaml.ScalarNode, Value: value},
	}})
	if err != nil {
		return key + ": " + value + "\n" // and then the file is refused
	}
	return string(line)
}
