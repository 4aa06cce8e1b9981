package target

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
)

// Names completes the names of the clusters that there are.
func (f *Flags) Names(cmd *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	all, _ := f.Quietly().List(cmd.Context()) // what can't be asked has no names
	var names []cobra.Completion
	for _, s := range all {
		if strings.HasPrefix(s.Name, begun) {
			names = append(names, s.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// Members completes the members of the cluster that the flags find, but for those that are
// named already.
func (f *Flags) Members(cmd *cobra.Command, named []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	c, err := f.Quietly().Find(cmd.Context(), Working{Progress: terminal.Quiet})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer c.Close()
	all, err := c.Choose(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for _, name := range all {
		if strings.HasPrefix(name, begun) && !slices.Contains(named, name) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
