package typed_test

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

func TestTheLeadingFlagsThatDescribeAClusterAreOurs(t *testing.T) {
	tests := map[string]struct{ own, rest string }{
		"member list":                               {"", "member list"},
		"--name orders member list":                 {"--name orders", "member list"},
		"--name=orders -f x.yaml get --name y":      {"--name=orders -f x.yaml", "get --name y"},
		"--endpoints x --name orders get a":         {"", "--endpoints x --name orders get a"},
		"--name orders -- --help":                   {"--name orders", "--help"},
		"--name orders -w table endpoint status":    {"--name orders", "-w table endpoint status"},
		"--certs-dir certs":                         {"--certs-dir certs", ""},
		"--name orders --help":                      {"--name orders", "--help"},
		"-w json --name orders put key --name=what": {"", "-w json --name orders put key --name=what"},
	}
	flags := pflag.NewFlagSet("etcdctl", pflag.ContinueOnError)
	flags.StringP("file", "f", "", "")
	flags.String("name", "", "")
	flags.String("certs-dir", "", "")
	flags.Bool("help", false, "")
	for line, want := range tests {
		own, rest := typed.SplitArgs(flags, strings.Fields(line))
		if got := strings.Join(own, " "); got != want.own {
			t.Errorf("%s: our flags are %q, want %q", line, got, want.own)
		}
		if got := strings.Join(rest, " "); got != want.rest {
			t.Errorf("%s: the rest is %q, want %q", line, got, want.rest)
		}
	}
}
