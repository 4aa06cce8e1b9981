package cluster

import (
	"cmp"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// This file writes a cluster file to begin with.

// usualKeys are those that a first file shows, in their order, each with its
// default and what there is to know before it is changed.
var usualKeys = []struct{ key, fallback, about string }{
	{"name", "etcd", "The cluster, and its Compose project: lower-case letters, digits, hyphens."},
	{"members", "3", "How many: 3 survive the loss of one, 5 that of two. Or a list of names."},
	{"etcd", DefaultVersion.String(), fmt.Sprintf("A release, or a minor such as 3.%d for the release of it that is tested.", NewestMinor-1)},
	{"profile", "", ""},
	{"runtime", "", ""},
	{"publish", "", ""},
	{"tls", "", "Running members go over from none to mutual, and back."},
	{"bootstrap", "", ""},
	{"data", string(Volume), ""},
	{"quota-backend-bytes", "2GiB", "How large the database may grow, and how it is kept small."},
	{"auto-compaction-retention", "1h", ""},
	{"monitoring", "false", "A Prometheus beside members in containers, on their network."},
}

// aboutKey is what stands above a key in a first file: of a closed choice its words
// first.
func aboutKey(key, about string) string {
	choice := ClosedChoiceOf(key)
	if choice.Words == nil {
		return about
	}
	words := choice.String() + "."
	return strings.TrimSpace(strings.ToUpper(words[:1]) + words[1:] + " " + about)
}

// FirstFile gives a cluster file that says of keys what was said, and shows what else
// there is to say. Name is the file's, for the mistakes in what was said.
func FirstFile(name string, said map[string]string) ([]byte, error) {
	file := firstFile(said)
	spec, err := Load(name, file)
	if err == nil {
		err = Check(spec)
	}
	return file, err
}

func firstFile(said map[string]string) []byte {
	var b strings.Builder
	b.WriteString("# An etcd cluster, for `etcdctr up` and `etcdctr compose`. Every key may be left out:\n" +
		"# what is commented out is the default. All keys: docs/cluster-file.md, or\n" +
		"# `etcdctr explain` for those of etcd itself.\nversion: 1\n")
	usual := map[string]bool{}
	for _, k := range usualKeys {
		usual[k.key] = true
		if about := aboutKey(k.key, k.about); about != "" {
			fmt.Fprintf(&b, "\n# %s\n", about)
		}
		if value, ok := said[k.key]; ok {
			b.WriteString(yamlLine(k.key, value))
		} else {
			b.WriteString("# " + yamlLine(k.key, cmp.Or(k.fallback, ClosedChoiceOf(k.key).Default)))
		}
	}
	for _, k := range keys {
		if value, ok := said[k.Name]; ok && !usual[k.Name] {
			fmt.Fprintf(&b, "\n# The %s.\n%s", k.What, yamlLine(k.Name, value))
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

// AskFirst asks a person for what matters most of a first cluster file: what FirstFile is
// told. An answer that can't be meant is told, and asked for again; none is the default.
func AskFirst(ask func(string) (string, error), tell func(error)) (map[string]string, error) {
	said := map[string]string{}
	for _, q := range []struct{ key, question, fallback string }{
		{"name", "name of the cluster", "etcd"},
		{"members", "how many members: 3 survive the loss of one, 5 that of two", "3"},
		{"profile", ClosedChoiceOf("profile").String(), DefaultProfile},
	} {
		for {
			answer, err := ask(fmt.Sprintf("%s [%s]", q.question, q.fallback))
			if err != nil {
				return nil, err
			}
			said[q.key] = cmp.Or(answer, q.fallback)
			if _, err = FirstFile("answer", said); err == nil {
				break
			}
			tell(err)
		}
	}
	return said, nil
}
