package stack

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/moby/client"
)

// Strangers gives the names of running containers that are on one of the
// project's networks and are not of the project, by the network's name. They
// reach the members as the members reach each other.
func Strangers(ctx context.Context, e Observer, s *State) (map[string][]string, error) {
	strangers := map[string][]string{}
	for _, n := range s.Networks {
		on, err := e.ContainerList(ctx, client.ContainerListOptions{
			Filters: make(client.Filters).Add("network", n.ID),
		})
		if err != nil {
			return nil, fmt.Errorf("ask the engine who is on the network %s: %w", n.Name, err)
		}
		for _, c := range on.Items {
			if c.Labels[projectLabel] != s.Project {
				strangers[n.Name] = append(strangers[n.Name], strings.TrimPrefix(slices.Min(c.Names), "/"))
			}
		}
		slices.Sort(strangers[n.Name])
	}
	return strangers, nil
}
