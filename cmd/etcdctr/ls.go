package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/runtime"
)

func newLsCommand(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List the clusters of the engine, and those of the cluster file's folder that are processes",
		Long: `ls lists the clusters that the engine has, whoever started them, and those that
run, or ran, as processes from the folder of the cluster file, those too that are down
and whose data is kept. What only ` + "`docker compose down`" + ` has left of one is told
where its file is. Where the engine
can't be asked it lists the others and says why; without any it fails. A cluster whose
members' machines have engines is listed where its file is.`,
		Args: typed.NoArgs,
	}
	f := a.ByCertsDir(cmd)
	typed.AddFormat(cmd, &format)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return runLs(cmd.Context(), a, f, format)
	}
	return cmd
}

func runLs(ctx context.Context, a *app, f *target.Flags, format string) error {
	all, err := f.List(ctx)
	if err != nil && len(all) > 0 {
		a.Warn("%v", err)
		err = nil
	}
	if err != nil {
		return err
	}
	infos := []runtime.Summary{}
	var rows [][]string
	for _, s := range all {
		i := s.Summary()
		infos = append(infos, i)
		rows = append(rows, []string{i.Name, i.Runtime, fmt.Sprint(i.Members), fmt.Sprint(i.Running), i.Status, i.Program})
	}
	return a.Result(format, infos, func() {
		a.Table([]string{"name", "runtime", "members", "running", "status", "program"}, rows)()
		a.sayResting(f, all)
		for _, s := range all {
			if len(s.Aside) > 0 {
				a.Say("%s has former data set aside: `%s` lists it", s.Name, etcdctr.Typed([]string{"restore", "--discard", "--dry-run", "--name", s.Name}))
			}
		}
	})
}

// sayResting names what brings clusters back that are nothing but data.
func (a *app) sayResting(f *target.Flags, all []runtime.State) {
	for _, s := range all {
		if !s.Rests() {
			continue
		}
		command := etcdctr.Typed([]string{"up", "--name", s.Name})
		switch {
		case f.File == "" && s.StartedIn(f.Dir()):
			a.Say("%s is down, and its data is kept: `%s` brings it back", s.Name, command)
		case s.Folder != "":
			a.Say("%s is down, and its data is kept: `%s` in %s brings it back", s.Name, command, s.Folder)
		default:
			a.Say("%s is down, and its data is kept: `%s` in the folder where it was started brings it back", s.Name, command)
		}
	}
}
