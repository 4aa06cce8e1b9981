package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

func newExplainCommand(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "explain [SETTING]",
		Short: "Tell what a setting of etcd does, and in which releases",
		Long: `explain tells what a setting of etcd does, what it takes, when etcd reads it,
and which releases have it with which default. SETTING is a flag of etcd, its
variable, or a key under settings in the cluster file:

    etcdctr explain snapshot-count
    etcdctr explain ETCD_INITIAL_CLUSTER_STATE

Without one, it lists all of them.`,
		Args: typed.AtMost("SETTING"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return cluster.SettingNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				all := cluster.ExplainAll()
				return a.Result(format, all, func() { fmt.Fprint(a.Out, cluster.SettingsTable(all)) })
			}
			return a.explainSetting(args[0], format)
		},
	}
	typed.AddFormat(cmd, &format)
	cmd.SetFlagErrorFunc(settingAsFlag)
	return cmd
}

// settingAsFlag says how somebody asks about a setting that was copied with its dashes.
func settingAsFlag(cmd *cobra.Command, err error) error {
	if unknown := (*pflag.NotExistError)(nil); errors.As(err, &unknown) {
		if k, ok := cluster.LookupSetting(cluster.SettingName(unknown.GetSpecifiedName())); ok {
			return withHint(usage(err), "`%s %s`, without the dashes, tells what it does", cmd.CommandPath(), k.Name)
		}
	}
	return cmd.Root().FlagErrorFunc()(cmd, err)
}

func (a *app) explainSetting(written, format string) error {
	k, ok := cluster.LookupSetting(cluster.SettingName(written))
	if !ok {
		return withHint(usage(fmt.Errorf("%q is not a setting of etcd: %s", written, cluster.NearestSettings(written))),
			"`etcdctr explain` lists them")
	}
	e := k.Explain()
	return a.Result(format, e, func() { fmt.Fprint(a.Out, e.Text()) })
}
