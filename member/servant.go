package member

import (
	"context"
	"errors"
	"fmt"
)

// servant is a member that has proven to serve.
type servant struct {
	to    *connection
	said  Endpoint // after the proof, so that its Index is at least its leader's before
	leads bool
}

// servant finds the leader; where that has no endpoint here, another member that
// serves. Never the one that is not to be asked. It does not wait for members
// that are away, once the leader has answered.
func (c *Client) servant(ctx context.Context, but ID) (servant, error) {
	ctx, cancel := c.question(ctx)
	defer cancel()
	names := c.names()
	type result struct {
		servant
		err error
	}
	results := make(chan result, len(names))
	for _, name := range names {
		go func() {
			s, err := c.prove(ctx, name)
			results <- result{s, err}
		}()
	}
	var found servant
	var errs []error
	for range names {
		r := <-results
		switch {
		case r.err != nil:
			errs = append(errs, r.err)
		case r.said.ID == but:
		case r.leads:
			return r.servant, nil
		default:
			found = r.servant
		}
	}
	if found.to == nil {
		return servant{}, fmt.Errorf("%w: %w", ErrNotServing, errors.Join(errs...))
	}
	return found, nil
}

// prove has a member prove that it serves, and tell its status.
func (c *Client) prove(ctx context.Context, name string) (servant, error) {
	to, err := c.to(name)
	if err != nil {
		return servant{}, err
	}
	if err := linearizable(ctx, to); err != nil {
		return servant{}, fmt.Errorf("%s: %w", name, err)
	}
	said := Endpoint{Name: name, URL: to.url}
	if c.status(ctx, &said); !said.Answers() {
		return servant{}, &TroubleError{name, said.Trouble, said.Details}
	}
	return servant{to, said, said.Leader == said.ID}, nil
}
