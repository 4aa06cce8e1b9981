package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
)

// consent asks whether data may be deleted for good, once it is known which. An
// error says that it may not.
type consent func(ctx context.Context, cluster string, losses []string) error

// consent is the user's: given by --yes, or on a terminal by typing the
// cluster's name. Without either the question is wrong, whatever there is to
// delete.
func (a *app) consent(yes bool) (consent, error) {
	switch {
	case yes:
		return func(context.Context, string, []string) error { return nil }, nil
	case !a.atTerminal():
		return nil, usage(fmt.Errorf("--volumes deletes the data for good, and there is no terminal to ask on: --yes says that it is meant"))
	}
	return a.askForName, nil
}

func (a *app) askForName(ctx context.Context, cluster string, losses []string) error {
	if len(losses) == 0 {
		return nil
	}
	a.say("this deletes the data of %s for good: %s", cluster, strings.Join(losses, ", "))
	return a.askName(ctx, cluster)
}

// askName goes on only where the cluster's name is typed.
func (a *app) askName(ctx context.Context, cluster string) error {
	answer, err := a.ask(ctx, "type the name of the cluster to go on")
	if err != nil {
		return err
	}
	if answer != cluster {
		return fmt.Errorf("%q is not the name of the cluster, %s: nothing was touched", answer, cluster)
	}
	return nil
}

func (a *app) asker() terminal.Asker { return terminal.Asker{In: a.in, Out: a.voice.Out} }

func (a *app) atTerminal() bool { return a.asker().Person() }

func (a *app) ask(ctx context.Context, question string) (string, error) {
	return a.asker().Ask(ctx, question)
}
