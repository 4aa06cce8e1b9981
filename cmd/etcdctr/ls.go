package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/stack"
)

func newLsCommand(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List all etcd stacks on the engine",
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
	Members int    `json:"members"`
	Running int    `json:"running"`
	Image   string `json:"image"` // of the first member
}

func runLs(ctx context.Context, a *app, format string) error {
	engine, err := connectEngine(ctx)
	if err != nil {
		return err
	}
	defer engine.Close()
	all, err := stack.List(ctx, engine)
	if err != nil {
		return err
	}
	infos := []stackInfo{}
	var rows [][]string
	for _, s := range all {
		i := stackInfo{Name: s.Project, Members: len(s.Containers), Image: s.Containers[0].Image}
		for _, c := range s.Containers {
			if c.Running() {
				i.Running++
			}
		}
		infos = append(infos, i)
		rows = append(rows, []string{i.Name, fmt.Sprint(i.Members), fmt.Sprint(i.Running), i.Image})
	}
	if format == formatJSON {
		enc := json.NewEncoder(a.out)
		enc.SetIndent("", "  ")
		return enc.Encode(infos)
	}
	a.printTable([]string{"name", "members", "running", "image"}, rows)
	return nil
}
