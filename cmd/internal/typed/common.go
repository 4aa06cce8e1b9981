package typed

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/runtime/docker"
)

// This file is flags that many commands have, the same on each.

// The formats of a result that a script would read.
const (
	TableFormat = "table"
	JSONFormat  = terminal.JSON
)

// AddFormat adds --format table|json.
func AddFormat(cmd *cobra.Command, format *string) {
	AddFormats(cmd, format, "how the result looks: table or json", TableFormat, JSONFormat)
}

// AddFormats adds --format with the words of one command, of which the first is what comes
// if nobody says anything.
func AddFormats(cmd *cobra.Command, format *string, means string, words ...string) {
	*format = words[0]
	cmd.Flags().Var(&Choice{Value: format, Of: words}, "format", means)
}

// AddProgress adds --progress, for commands that take their time.
func AddProgress(cmd *cobra.Command, mode *string) {
	*mode = terminal.Auto
	modes := []string{terminal.Auto, terminal.Plain, terminal.JSON, terminal.Quiet}
	cmd.Flags().Var(&Choice{Value: mode, Of: modes}, "progress",
		"how progress is told on standard error: auto (a terminal gets bars), plain, json or quiet")
}

// AddPull adds --pull, for commands that need images.
func AddPull(cmd *cobra.Command, policy *string) {
	*policy = string(docker.PullMissing)
	words := Words([]docker.Pull{docker.PullMissing, docker.PullAlways, docker.PullNever})
	cmd.Flags().Var(&Choice{Value: policy, Of: words}, "pull", "when to pull the image: missing, always or never")
}

// AddDryRun adds --dry-run, for commands that print a plan.
func AddDryRun(cmd *cobra.Command, dry *bool) {
	cmd.Flags().BoolVar(dry, "dry-run", false, "print what would be done, and do nothing: + is made, ~ is changed, - is taken away, and the rest only waits or looks")
}

// Secret reads what a flag's file holds and nobody is to read along, without the end of its
// line.
func Secret(flag, file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", hints.Usage(fmt.Errorf("--%s: %w", flag, err))
	}
	secret := strings.TrimRight(string(data), "\r\n")
	if secret == "" {
		return "", hints.Usage(fmt.Errorf("--%s: %s is empty: put it there", flag, file))
	}
	return secret, nil
}
