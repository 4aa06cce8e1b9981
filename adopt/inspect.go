package adopt

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// Inspect gives what the engine knows of the containers, as `docker inspect`
// prints it; ErrNothing if there are none.
func (c *Containers) Inspect(ctx context.Context) ([]byte, error) {
	all, err := c.inspect(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: %w, nor anything else in a project or container of this name on the engine", strings.Join(c.Names, ", "), ErrNothing)
	}
	return json.MarshalIndent(all, "", "    ")
}
