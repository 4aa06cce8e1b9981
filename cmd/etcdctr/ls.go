package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtimes"
)

func newLsCommand(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List the clusters of the engine, and those of the cluster file's folder that are processes",
		Long: `ls lists the clusters that the engine has, whoever started them, and those that
run, or ran, as processes from the folder of the cluster file, those too that are down
and whose data is kept. Where the engine
can't be asked it lists the others and says why; without any it fails. A cluster whose
members' machines have engines is listed where its file is.`,
		Args: typed.NoArgs,
	}
	f := addCertsDirFlags(cmd)
	addFormatFlag(cmd, &format)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return runLs(cmd.Context(), a, f, format)
	}
	return cmd
}

func runLs(ctx context.Context, a *app, f *clusterFlags, format string) error {
	all, err := f.list(ctx, a, working{})
	if spec, _, errFile := f.read(a); errFile == nil && spec.HasEngines() {
		more, errMore := f.list(ctx, a, working{with: runtimes.Options{Spec: spec}})
		all, err = append(all, more...), errors.Join(err, errMore)
	}
	if err != nil && len(all) > 0 {
		a.warn("%v", err)
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
	return a.result(format, infos, func() {
		a.table([]string{"name", "runtime", "members", "running", "status", "program"}, rows)()
		a.sayResting(f, all)
	})
}

// sayResting names what brings clusters back that are nothing but data.
func (a *app) sayResting(f *clusterFlags, all []runtime.State) {
	for _, s := range all {
		if !s.Rests() {
			continue
		}
		command := etcdctr.Typed([]string{"up", "--name", s.Name})
		switch {
		case f.file == "" && s.StartedIn(f.dir()):
			a.say("%s is down, and its data is kept: `%s` brings it back", s.Name, command)
		case s.Folder != "":
			a.say("%s is down, and its data is kept: `%s` in %s brings it back", s.Name, command, s.Folder)
		default:
			a.say("%s is down, and its data is kept: `%s` in the folder where it was started brings it back", s.Name, command)
		}
	}
}

// list observes what there is on the runtimes of a folder.
func (f *clusterFlags) list(ctx context.Context, a *app, w working) ([]runtime.State, error) {
	cs, engines, err := a.clusters(f, w)
	if err != nil {
		return nil, err
	}
	defer engines.close()
	return cs.List(ctx)
}
