package stack

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/moby/client"
)

// Summary is one stack of an engine.
type Summary struct {
	Project    string
	Containers []Container // of its members; none where only volumes of the stack are left
}

// List gives the stacks on an engine that have members, or volumes that were made for them.
func List(ctx context.Context, e Observer) ([]Summary, error) {
	r, err := e.ContainerList(ctx, client.ContainerListOptions{
		All:     true,
		Filters: make(client.Filters).Add("label", projectLabel).Add("label", RoleLabel+"="+Member),
	})
	if err != nil {
		return nil, fmt.Errorf("ask the engine for its stacks: %w", err)
	}
	left, err := e.VolumeList(ctx, client.VolumeListOptions{Filters: make(client.Filters).Add("label", ownLabel)})
	if err != nil {
		return nil, fmt.Errorf("ask the engine for what is left of stacks: %w", err)
	}
	byProject := map[string][]Container{}
	for _, v := range left.Items {
		if p := cmp.Or(v.Labels[projectLabel], v.Labels[protectedLabel]); p != "" {
			byProject[p] = nil
		}
	}
	members, _ := split(r.Items)
	for _, c := range members {
		p := c.Labels[projectLabel]
		byProject[p] = append(byProject[p], c)
	}
	var all []Summary
	for project, containers := range byProject {
		all = append(all, Summary{project, containers})
	}
	slices.SortFunc(all, func(a, b Summary) int { return strings.Compare(a.Project, b.Project) })
	return all, nil
}
