package compose

import (
	"bytes"
	"context"
	"fmt"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v3"

	"github.com/etcdctr/etcdctr/cluster"
)

// Marshal writes a cluster's project as a Compose file. The same cluster gives
// the same bytes.
func Marshal(ctx context.Context, c *cluster.Cluster, p *types.Project) ([]byte, error) {
	canonical, err := p.MarshalYAML()
	if err != nil {
		return nil, fmt.Errorf("cannot marshal the Compose project: %w", err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(canonical, &doc); err != nil {
		return nil, fmt.Errorf("cannot read the Compose project back: %w", err)
	}
	root := doc.Content[0]
	if c.Runtime == cluster.Swarm {
		forStack(root)
	}
	if namedByCaller(p) {
		forVersion1(root)
	}
	escapeDollars(root)
	plain, err := encode(root)
	if err != nil {
		return nil, err
	}
	arrange(root, c)
	pretty, err := encode(root)
	if err != nil {
		return nil, err
	}
	pretty = append([]byte(header(c, namedByCaller(p))), space(pretty)...)
	if err := sameMeaning(ctx, plain, pretty); err != nil {
		return nil, err
	}
	return pretty, nil
}

// escapeDollars doubles the dollar signs that Compose would take for variables.
func escapeDollars(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		n.Value = string(bytes.ReplaceAll([]byte(n.Value), []byte("$"), []byte("$$")))
	}
	for _, child := range n.Content {
		escapeDollars(child)
	}
}

func encode(n *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(n); err != nil {
		return nil, fmt.Errorf("cannot write the Compose file: %w", err)
	}
	return b.Bytes(), nil
}

// sameMeaning loads both files as Compose would and compares what it makes of
// them, so that no arrangement of ours can change what runs.
func sameMeaning(ctx context.Context, plain, pretty []byte) error {
	want, err := canonical(ctx, plain)
	if err != nil {
		return err
	}
	got, err := canonical(ctx, pretty)
	if err != nil {
		return err
	}
	if !bytes.Equal(want, got) {
		return fmt.Errorf("the arranged Compose file means something else than the project it was made of:\n%s\nwanted:\n%s", got, want)
	}
	return nil
}

func canonical(ctx context.Context, file []byte) ([]byte, error) {
	p, err := load(ctx, "docker-compose.yml", file, "/", func(o *loader.Options) {
		o.SkipResolveEnvironment = true  // environment files are written later
		o.SetProjectName("stack", false) // of one that is named when it is deployed
	})
	if err != nil {
		return nil, fmt.Errorf("compose refuses the generated file: %w", err)
	}
	p.Extensions = nil // the anchors' place
	return p.MarshalYAML()
}
