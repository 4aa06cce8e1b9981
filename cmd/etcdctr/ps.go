package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/stack"
)

func newPsCommand(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "ps",
		Short: "List the containers of the stack, or its processes",
		Args:  cobra.NoArgs,
	}
	f := addStackFlags(cmd)
	addFormatFlag(cmd, &format)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return runPs(cmd.Context(), a, f, format)
	}
	return cmd
}

// containerInfo is what there is to say of a container, or of a process.
type containerInfo struct {
	Name    string            `json:"name"`
	Service string            `json:"service"`
	Role    string            `json:"role,omitempty"`
	Image   string            `json:"image"`
	Status  string            `json:"status"`
	Health  string            `json:"health"`
	Detail  string            `json:"detail"` // the engine's words
	Address map[string]string `json:"addresses,omitempty"`
	Ports   []string          `json:"ports,omitempty"`
}

func runPs(ctx context.Context, a *app, f *stackFlags, format string) error {
	r, err := f.runner(ctx, a)
	if err != nil {
		return err
	}
	defer r.close()
	infos, err := r.list(ctx)
	if err != nil {
		return err
	}
	if format == formatJSON {
		enc := json.NewEncoder(a.out)
		enc.SetIndent("", "  ")
		return enc.Encode(infos)
	}
	var rows [][]string
	for _, i := range infos {
		rows = append(rows, []string{i.Name, i.Service, i.Image, i.Detail, strings.Join(i.Ports, ", ")})
	}
	a.printTable([]string{"name", "service", "image", "status", "ports"}, rows)
	return nil
}

func (d *driven) list(ctx context.Context) ([]containerInfo, error) {
	s, err := d.observe(ctx)
	if err != nil {
		return nil, err
	}
	infos := make([]containerInfo, len(s.Containers))
	for i, c := range s.Containers {
		infos[i] = toContainerInfo(c)
	}
	return infos, nil
}

func toContainerInfo(c stack.Container) containerInfo {
	i := containerInfo{
		Name: c.Name, Service: c.Service, Role: c.Labels[stack.RoleLabel], Image: c.Image,
		Status: string(c.Status), Health: string(c.Healthy), Detail: c.Detail, Address: map[string]string{},
	}
	for network, address := range c.Addresses {
		i.Address[network] = address.String()
	}
	for _, p := range c.Ports {
		i.Ports = append(i.Ports, fmt.Sprintf("%s->%d/%s", p.Address, p.Port, p.Protocol))
	}
	slices.Sort(i.Ports)
	return i
}
