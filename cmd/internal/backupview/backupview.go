// Package backupview shows backups to a person: those that there are, what one of them
// would take the place of, and what has become of a cluster that was brought back.
package backupview

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cmd/internal/planview"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
)

// List prints backups: as a table, or a line of JSON each.
func List(c *terminal.Console, all []backup.Found, format string) error {
	if format == terminal.JSON {
		for _, f := range all {
			if err := c.PrintJSONLine(f.Report()); err != nil {
				return err
			}
		}
		return nil
	}
	var rows [][]string
	for _, f := range all {
		m := f.Metadata
		if f.Err != nil {
			rows = append(rows, []string{f.Path, terminal.Unknown, terminal.Unknown, terminal.Unknown, terminal.Unknown, terminal.Unknown, terminal.HumanBytes(f.Bytes)})
			continue
		}
		rows = append(rows, []string{
			f.Path, m.Cluster, m.Time.Format(time.RFC3339), fmt.Sprint(m.Revision), terminal.OrDash(m.Release), terminal.OrDash(m.From), terminal.HumanBytes(f.Bytes),
		})
	}
	if len(rows) > 0 {
		c.Table([]string{"file", "cluster", "time", "revision", "etcd", "of", "size"}, rows)()
	}
	return nil
}

// There says what is there and what takes its place.
func There(c *terminal.Console, there backup.There) {
	running, data := "nothing of it runs", "without data"
	if len(there.Running) > 0 {
		running = strings.Join(there.Running, ", ") + " run"
	}
	if len(there.Data) > 0 {
		data = "with data of " + strings.Join(there.Data, ", ")
	}
	c.Say("%s is there: %s, %s", there.Name, running, data)
	switch by := there.By; {
	case by.Revision == 0:
		c.Say("its data is set aside, and replaced by that of the member that knows most")
	case by.Time.IsZero():
		c.Say("its data is set aside, and replaced by that of the member that knows most, of those that run %s with revision %d", by.From, by.Revision)
	default:
		c.Say("its data is set aside, and replaced by that of %s of %s, revision %d", origin(by), by.Time.Format(time.RFC3339), by.Revision)
		lost(c, there)
	}
}

// origin is the cluster that a backup is of, or else the snapshot: which one that is of,
// nothing in it tells.
func origin(m backup.Metadata) string {
	if m.Cluster == "" {
		return "the snapshot " + filepath.Base(m.From) // which may have been fetched
	}
	return m.Cluster
}

// lost says what of a cluster a backup does not have.
func lost(c *terminal.Console, there backup.There) {
	by := there.By
	const where = "be in the data that is set aside, and nowhere else"
	switch span := c.Now().Sub(by.Time).Round(time.Second); {
	case there.Revision == 0:
		c.Say("%s can't say what it holds now: what came after revision %d, %s ago, would %s", there.Name, by.Revision, span, where)
	case there.Another:
		c.Say("%s holds revision %d now, and is another cluster than that of the backup, restored or founded since: what was written to it would %s", there.Name, there.Revision, where)
	case there.Revision > by.Revision:
		gone := "1 revision"
		if n := there.Revision - by.Revision; n > 1 {
			gone = fmt.Sprintf("%d revisions", n)
		}
		c.Say("%s holds revision %d now: what came after %d, %s in %s, would %s", there.Name, there.Revision, by.Revision, gone, span, where)
	}
}

// Newest tells of a backup that there is to rebuild from besides what members hold, which
// is told where that is kept.
func Newest(c *terminal.Console, newest backup.Metadata) {
	if newest.Revision > 0 {
		c.Say("the newest backup, of %s, holds revision %d", newest.Time.Format(time.RFC3339), newest.Revision)
	}
}

// Forecast tells what a restoration would do.
func Forecast(w *target.World, f backup.Forecast, format string, err error) error {
	if format == terminal.JSON {
		return cmp.Or(w.PrintJSON(f.Steps.Report()), err)
	}
	if err != nil {
		sayByHand(w.Console, err)
		return err
	}
	if f.There.Name != "" {
		There(w.Console, f.There)
	}
	planview.Print(w.Out, f.Steps, w.Tint)
	if f.Leases {
		w.Say("the backup has leases, whose time begins anew, as do the locks and elections that go by them: restart what holds those after it")
	}
	w.SayTakes(f.Steps)
	return nil
}
