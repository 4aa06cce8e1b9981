package main

import (
	"context"
	"fmt"
	"strings"
)

// consent asks whether data may be deleted for good, once it is known which. An
// error says that it may not.
type consent func(ctx context.Context, cluster string, losses []string) error

// consent is the user's: given by --yes, or on a terminal by typing the
// cluster's name. Without either the question is wrong, whatever there is that the flag
// deletes.
func (a *app) consent(flag string, yes bool) (consent, error) {
	switch {
	case yes:
		return func(context.Context, string, []string) error { return nil }, nil
	case !a.Person():
		return nil, usage(fmt.Errorf("%s deletes the data for good, and there is no terminal to ask on: --yes says that it is meant", flag))
	}
	return a.askForName, nil
}

func (a *app) askForName(ctx context.Context, cluster string, losses []string) error {
	if len(losses) == 0 {
		return nil
	}
	a.Say("this deletes the data of %s for good: %s", cluster, strings.Join(losses, ", "))
	return a.AskName(ctx, cluster)
}
