package compose

import (
	"context"
	"fmt"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// Load reads a Compose file the way `docker compose` does. Relative paths in
// it are meant from dir, and no variable of the caller's environment reaches
// it. What files of environments say is in the environments, as if it were spelt.
func Load(ctx context.Context, name string, data []byte, dir string) (*types.Project, error) {
	p, err := load(ctx, name, data, dir, loader.WithDiscardEnvFiles)
	if err != nil {
		return nil, fmt.Errorf("cannot load %s as a Compose file: %w", name, err)
	}
	return p, nil
}

// Loaded is what Load makes of the file that Marshal writes of a cluster's project, for
// whoever runs it rather than writes it down. It costs a fifth: nothing is arranged for
// people, and nothing read back.
func Loaded(ctx context.Context, p *types.Project, dir string) (*types.Project, error) {
	file, err := p.MarshalYAML()
	if err != nil {
		return nil, fmt.Errorf("cannot marshal the Compose project: %w", err)
	}
	loaded, err := load(ctx, "docker-compose.yml", file, dir, func(o *loader.Options) {
		o.SkipInterpolation = true // a dollar sign is one
		o.SkipValidation = true    // what was typed is no longer anybody's
	})
	if err != nil {
		return nil, fmt.Errorf("compose refuses the project %s: %w", p.Name, err)
	}
	return loaded, nil
}

func load(ctx context.Context, name string, data []byte, dir string, options func(*loader.Options)) (*types.Project, error) {
	return loader.LoadWithContext(ctx, types.ConfigDetails{
		WorkingDir:  dir,
		ConfigFiles: []types.ConfigFile{{Filename: name, Content: data}},
		Environment: types.Mapping{},
	}, func(o *loader.Options) {
		o.ResolvePaths = true
		options(o)
	})
}
