package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/stack"
)

// inspectRunning gives what the engine knows of the containers of a Compose
// project, or of one container, as `docker inspect` prints it.
func inspectRunning(ctx context.Context, name string) ([]byte, error) {
	engine, err := connectEngine(ctx)
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	project, err := stack.Observe(ctx, engine, name)
	if err != nil {
		return nil, err
	}
	ids := []string{name}
	if len(project.Containers) > 0 {
		ids = nil
		for _, c := range project.Containers {
			ids = append(ids, c.ID)
		}
	}
	var all []any
	for _, id := range ids {
		in, err := engine.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
		if err != nil {
			return nil, usage(fmt.Errorf("there is no project and no container of the name %s on the engine: %w", name, err))
		}
		all = append(all, in.Container)
	}
	return json.MarshalIndent(all, "", "    ")
}
