package backupview

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
)

// UndoForecast tells what taking a restoration back would do.
func UndoForecast(c *terminal.Console, of *target.Found, f etcdctr.UndoForecast, format string, err error) error {
	switch {
	case errors.Is(err, backup.ErrUndone):
		c.Say("%v", err)
		return c.Result(format, etcdctr.UndoForecast{Back: map[string]string{}}, nil)
	case err != nil:
		return err
	}
	return c.Result(format, f, func() {
		if f.Stops {
			fmt.Fprintf(c.Out, "%s stops, and starts again by `%s` alone\n", of.Name(), of.AgainUp())
		}
		if f.Unfinished {
			fmt.Fprintln(c.Out, "the restoration was not finished: what it has made is deleted, and all members have what they had before")
			return
		}
		for _, server := range slices.Sorted(maps.Keys(f.Back)) {
			if where := f.Back[server]; where != "" {
				fmt.Fprintf(c.Out, "%s has the data again that is kept in %s\n", server, target.ShortPath(where))
			} else {
				fmt.Fprintf(c.Out, "%s has no data again, as before\n", server)
			}
		}
		fmt.Fprintln(c.Out, "what they hold now, with all that was written since, is set aside in turn")
	})
}

// Undone tells what a restoration that was taken back has left.
func Undone(c *terminal.Console, of *target.Found, undone etcdctr.Undone, format string, err error) error {
	switch {
	case errors.Is(err, backup.ErrUndone):
		c.Say("%v", err)
		undone.Back = map[string]string{}
	case err != nil:
		return err
	case undone.Unfinished:
		sayBack(c, undone.Back)
		c.Say("the restoration was not finished, and what it had made is deleted: all members have what they had before")
	default:
		sayBack(c, undone.Back)
		c.Say("what they held until now is set aside in turn: another `%s` brings that back, once %s was started", of.Again("restore", "--undo"), of.Name())
	}
	c.Say("`%s` starts %s", of.AgainUp(), of.Name())
	return c.Result(format, undone, nil)
}

func sayBack(c *terminal.Console, back map[string]string) {
	for _, server := range slices.Sorted(maps.Keys(back)) {
		c.Say("%s has the data again that was kept in %s", server, back[server])
	}
}
