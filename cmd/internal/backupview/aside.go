package backupview

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/runtime"
)

// Aside prints what was set aside of a cluster: as a table, or as JSON. Err is why it may
// not be deleted.
func Aside(c *terminal.Console, name string, all []runtime.Aside, format string, err error) error {
	switch {
	case err != nil && len(all) == 0:
		return err
	case format == terminal.JSON:
		return cmp.Or(c.PrintJSON(append([]runtime.Aside{}, all...)), err)
	case len(all) == 0:
		c.Say("%s: nothing was set aside of it", name)
		return nil
	}
	var rows [][]string
	for _, a := range all {
		rows = append(rows, []string{a.Server, since(a), size(a), target.ShortPath(a.Where)})
	}
	c.Table([]string{"member", "set aside", "size", "where"}, rows)()
	return err
}

// Places are where data is that was set aside, with whose it is, since when, and how much.
func Places(all []runtime.Aside) []string {
	var places []string
	for _, a := range all {
		about := strings.Join([]string{a.Server, since(a), size(a)}, ", ")
		places = append(places, fmt.Sprintf("%s (%s)", target.ShortPath(a.Where), about))
	}
	return places
}

func since(a runtime.Aside) string {
	if a.Time.IsZero() {
		return terminal.Unknown
	}
	return a.Time.Format(time.RFC3339)
}

func size(a runtime.Aside) string {
	if a.Bytes == 0 {
		return terminal.Unknown
	}
	return terminal.HumanBytes(a.Bytes)
}

// Discarded tells what is deleted of what was set aside.
func Discarded(c *terminal.Console, name string, gone []runtime.Aside, format string, err error) error {
	var bytes int64
	for _, a := range gone {
		c.Say("%s: deleted what was set aside in %s", a.Server, target.ShortPath(a.Where))
		bytes += a.Bytes
	}
	switch {
	case err != nil:
		return err
	case format == terminal.JSON:
		return c.PrintJSON(append([]runtime.Aside{}, gone...))
	case len(gone) == 0:
		c.Say("%s: nothing was set aside of it", name)
	case bytes > 0:
		c.Say("%s has nothing set aside any more: %s are free", name, terminal.HumanBytes(bytes))
	default:
		c.Say("%s has nothing set aside any more", name)
	}
	return nil
}
