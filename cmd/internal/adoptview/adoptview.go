// Package adoptview shows an adoption to a person: what would be done and differ, and what
// is left of before.
package adoptview

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/adopt"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/lint"
	"github.com/etcdctr/etcdctr/logs"
)

// Plan shows what would be done, in which order, and then what will be otherwise. Steps that
// are told as they are taken are not told before, too.
func Plan(c *terminal.Console, adoption *adopt.Adoption, p adopt.Plan, format string, told bool) error {
	if d := adoption.Description; d != nil {
		if d.Because != "" {
			c.Say("%s", d.Because)
		}
		for _, dropped := range d.Dropped {
			c.Warn("%s=%s is not taken over: %s", dropped.Name, dropped.Was, dropped.Is)
		}
	}
	return c.Result(format, p.Report(), func() {
		if p.Done {
			c.Say("all members of %s were adopted", p.Stack.Name)
			return
		}
		ended(c, p)
		if p.Way != "" {
			way(c, p, told)
		}
		if p.File != "" {
			fmt.Fprintf(c.Out, "%s:\n\n%s\n", adoption.File, p.File)
		}
		var rows [][]string
		for _, d := range p.Report().Differences {
			rows = append(rows, []string{cmp.Or(d.Member, "all"), d.Name, terminal.OrDash(d.Was), terminal.OrDash(d.Is)})
		}
		c.Table([]string{"MEMBER", "WHAT DIFFERS", "NOW", "THEN"}, rows)()
		if len(p.Remaining) > 0 {
			fmt.Fprintf(c.Out, "\nwhat lint will have against it still:\n\n")
			c.Table(lint.Header, lint.Rows(p.Remaining))()
		}
	})
}

// ended tells of members that do not run what they said last.
func ended(c *terminal.Console, p adopt.Plan) {
	for _, m := range p.Stack.Members {
		if m.Runs() {
			continue
		}
		c.Warn("%s does not run: %s", m.Name, m.Detail)
		if m.Error != "" {
			c.Warn("%s: %s", m.Name, m.Error)
		}
		for _, words := range logs.LastWords(p.Said[m.Name], target.MostWords) {
			c.Warn("%s says: %s", m.Name, words)
		}
	}
}

// way shows the steps, and what is left of before.
func way(c *terminal.Console, p adopt.Plan, told bool) {
	fmt.Fprint(c.Out, p.Way)
	if p.Why != "" {
		fmt.Fprintf(c.Out, ": %s", p.Why)
	}
	fmt.Fprintln(c.Out)
	if !told {
		fmt.Fprint(c.Out, p.Steps)
	}
	if p.Way == adopt.Copy {
		fmt.Fprintln(c.Out, "no request is answered from the first stop until the new members serve")
	}
	neighbors(c, p)
	fmt.Fprintf(c.Out, "what is of %s is kept, stopped\n\n", p.Stack.Name)
}

// neighbors tells who else is on the members' networks, and what becomes of them.
func neighbors(c *terminal.Console, p adopt.Plan) {
	if len(p.Stack.Neighbors) == 0 {
		return
	}
	var names []string
	for _, n := range p.Stack.Neighbors {
		names = append(names, n.Container)
	}
	fmt.Fprintf(c.Out, "on a network of the members, and put on the network %s, too, before the first of them goes: %s\n",
		compose.NetworkOf(p.Want.Name), strings.Join(names, ", "))
	if moved := p.Stack.Moved(p.Want); len(moved) > 0 {
		fmt.Fprintf(c.Out, "nobody answers at %s then: clients have to know %s\n", strings.Join(moved, ","), clientURLs(p.Want))
	}
}

func clientURLs(want *cluster.Cluster) string {
	var urls []string
	for _, m := range want.Members {
		urls = append(urls, m.ClientURL())
	}
	return strings.Join(urls, ",")
}

// Done says what has taken over, and what is left of before.
func Done(c *terminal.Console, stack *adopt.Stack, want *cluster.Cluster) {
	c.Say("%s has taken over: `etcdctr health` shows its members, `etcdctr connect` the way to them", want.Name)
	on := compose.NetworkOf(want.Name)
	switch {
	case want.Runtime != cluster.Docker:
	case len(stack.Neighbors) == 0:
		c.Say("services of %s find it at %s once they are on the network %s too: in their file, under networks, external: true", stack.Name, clientURLs(want), on)
	default:
		for _, n := range stack.Neighbors {
			c.Say("%s is on the network %s too, and finds it at %s, until its container is made anew; to have it there then: %s", n.Container, on, clientURLs(want), n.Keeps(on))
		}
	}
	for _, p := range stack.Projects {
		c.Say("take out of %s: `docker compose up` there starts the old members again, with what they held until now and beside %s", p, want.Name)
	}
	forget := etcdctr.Typed([]string{"adopt", "--forget-old", stack.Name})
	c.Say("what it was is kept, stopped: %s; `%s` deletes it", stack.Kept(), forget)
	if waking := stack.Waking(); len(waking) > 0 {
		c.Warn("%s: the engine does not let its restart policy be taken away, so podman-restart.service starts the old member with the machine, beside %s: `%s` before that", strings.Join(waking, ", "), want.Name, forget)
	}
}
