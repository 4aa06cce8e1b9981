package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/stack"
)

func newLsCommand(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List all etcd stacks on the engine, and the local ones of this folder",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runLs(cmd.Context(), a, format)
		},
	}
	addFormatFlag(cmd, &format)
	return cmd
}

type stackInfo struct {
	Name    string `json:"name"`
	Runtime string `json:"runtime"` // docker or process
	Members int    `json:"members"`
	Running int    `json:"running"`
	Image   string `json:"image"` // of the first member, or its program
}

func runLs(ctx context.Context, a *app, format string) error {
	infos, err := localStacks()
	if err != nil {
		return err
	}
	onEngine, err := engineStacks(ctx)
	if errors.Is(err, errNoEngine) && len(infos) > 0 {
		a.warn("%s: local processes are all there is to list", errNoEngine)
		err = nil
	}
	if err != nil {
		return err
	}
	infos = append(infos, onEngine...)
	if format == formatJSON {
		return a.printJSON(infos)
	}
	var rows [][]string
	for _, i := range infos {
		rows = append(rows, []string{i.Name, i.Runtime, fmt.Sprint(i.Members), fmt.Sprint(i.Running), i.Image})
	}
	a.printTable([]string{"name", "runtime", "members", "running", "image"}, rows)
	return nil
}

func engineStacks(ctx context.Context) ([]stackInfo, error) {
	engine, err := connectEngine(ctx)
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	all, err := stack.List(ctx, engine)
	if err != nil {
		return nil, err
	}
	var infos []stackInfo
	for _, s := range all {
		i := stackInfo{Name: s.Project, Runtime: runtimeDocker, Members: len(s.Containers), Image: s.Containers[0].Image}
		for _, c := range s.Containers {
			if c.Running() {
				i.Running++
			}
		}
		infos = append(infos, i)
	}
	return infos, nil
}

// localStacks are those of the current folder that are not down.
func localStacks() ([]stackInfo, error) {
	entries, err := os.ReadDir(processFolder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	infos := []stackInfo{}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		home := process.Home{Dir: filepath.Join(processFolder, e.Name())}
		state, err := home.State()
		if errors.Is(err, process.ErrNoStack) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s, err := home.Stack()
		if err != nil {
			return nil, err
		}
		infos = append(infos, localStack(s, state))
	}
	return infos, nil
}

func localStack(s process.Stack, state process.State) stackInfo {
	i := stackInfo{Name: s.Name, Runtime: runtimeProcess, Members: len(s.Members), Image: programOf(s.Members[0])}
	for _, m := range state.Members {
		if m.Status == process.Running {
			i.Running++
		}
	}
	return i
}
