package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

func newPsCommand(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "ps",
		Short: "List the members of the cluster and what they need, with how they are",
		Args:  noArgs,
	}
	f := addFindingFlags(cmd)
	addFormatFlag(cmd, &format)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return runPs(cmd.Context(), a, f, format)
	}
	return cmd
}

// serverInfo is what there is to say of a server.
type serverInfo struct {
	Name     string   `json:"name"`
	Role     string   `json:"role"`              // member or service
	Program  string   `json:"program"`           // an image or a file
	Release  string   `json:"release,omitempty"` // of etcd
	Status   string   `json:"status"`
	Health   string   `json:"health,omitempty"` // of a member that runs: healthy, learner or unhealthy
	Detail   string   `json:"detail,omitempty"` // the runtime's words
	Since    string   `json:"since,omitempty"`
	Restarts int      `json:"restarts,omitempty"`
	Host     string   `json:"host,omitempty"`
	Ports    []string `json:"ports,omitempty"`
}

func runPs(ctx context.Context, a *app, f *clusterFlags, format string) error {
	c, err := f.find(ctx, a, working{})
	if err != nil {
		return err
	}
	defer c.close()
	have, err := c.Observe(ctx)
	if err != nil {
		return err
	}
	c.addMissing(ctx, have)
	health := c.healthOf(ctx, have)
	infos := []serverInfo{}
	var rows [][]string
	header, several := []string{"name", "program", "status", "ports"}, onSeveral(have)
	if several {
		header = append(header, "machine")
	}
	for _, s := range have.Servers {
		infos = append(infos, infoOf(s, health[s.Name]))
		row := []string{s.Name, s.Program, a.tint(colourOf(s, health[s.Name]), statusText(s, health[s.Name], a.now())), strings.Join(s.Published, ", ")}
		if several {
			row = append(row, s.Host)
		}
		rows = append(rows, row)
	}
	if format == formatJSON {
		return a.printJSON(infos)
	}
	a.printTable(header, rows)
	return nil
}

// addMissing adds the members that are described and have nothing yet.
func (f *found) addMissing(ctx context.Context, have *runtime.State) {
	if m := f.Spec().Members; m.Count == 0 && len(m.List) == 0 {
		return
	}
	want, err := f.Want(ctx)
	if err != nil {
		return // of what is there everything can be said
	}
	for _, m := range want.Members {
		if _, there := have.Server(m.Name); !there {
			have.Servers = append(have.Servers, runtime.Server{
				Name: m.Name, Role: runtime.Member, Status: runtime.Absent, Detail: "nothing of it is there: `etcdctr up` makes it",
				Host: cmp.Or(m.Node, m.Engine.At),
			})
		}
	}
	slices.SortStableFunc(have.Servers, func(a, b runtime.Server) int { return cmp.Compare(a.Name, b.Name) })
}

// onSeveral tells whether servers are on machines of their own.
func onSeveral(have *runtime.State) bool {
	return slices.ContainsFunc(have.Servers, func(s runtime.Server) bool { return s.Host != have.Servers[0].Host })
}

func infoOf(s runtime.Server, health string) serverInfo {
	i := serverInfo{
		Name: s.Name, Role: string(s.Role), Program: s.Program, Release: s.Release, Status: string(s.Status),
		Health: health, Detail: s.Detail, Restarts: s.Restarts, Host: s.Host, Ports: s.Published,
	}
	if !s.Since.IsZero() {
		i.Since = s.Since.UTC().Format(time.RFC3339)
	}
	return i
}

// colourOf tells at a glance how a server is.
func colourOf(s runtime.Server, health string) text.Colors {
	switch {
	case health == healthy:
		return terminal.Good
	case health == unhealthy, s.Status == runtime.Failed, s.Status == runtime.Restarting:
		return terminal.Bad
	case s.Runs() && health == "": // nothing that has a health
		return nil
	}
	return terminal.Odd
}

// statusText is "running for 3 minutes, healthy".
func statusText(s runtime.Server, health string, now time.Time) string {
	text := string(s.Status)
	if !s.Since.IsZero() {
		text += " for " + strings.ToLower(units.HumanDuration(now.Sub(s.Since)))
	}
	if health != "" {
		text += ", " + health
	}
	if s.Restarts > 0 {
		text += ", " + terminal.Plural(s.Restarts, "restart")
	}
	if s.Detail != "" && !s.Runs() && s.Status != runtime.Created {
		text += fmt.Sprintf(" (%s)", s.Detail)
	}
	return text
}

// How a member that runs is.
const healthy, learner, unhealthy = "healthy", "learner", "unhealthy"

// oneLook is how long members may take to say how they are.
const oneLook = 2 * time.Second

// healthOf asks the members that run how they are, by name. Where there is no
// way to them, nothing is said.
func (f *found) healthOf(ctx context.Context, have *runtime.State) map[string]string {
	health := map[string]string{}
	view, err := f.look(ctx)
	if err != nil {
		return health
	}
	for _, s := range have.Members() {
		e := view.Endpoint(s.Name)
		if !s.Runs() && (s.Status != runtime.Away || !e.Answers()) {
			continue
		}
		switch {
		case e.Answers() && !view.IsMember(e):
			health[s.Name] = unhealthy
		case e.Serves():
			health[s.Name] = healthy
		case e.Answers() && e.Learner:
			health[s.Name] = learner
		default:
			health[s.Name] = unhealthy
		}
	}
	return health
}

// look asks all members once.
func (f *found) look(ctx context.Context) (v member.View, err error) {
	way, err := f.Connect(ctx)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, way.Close()) }()
	members, err := way.Members(member.Config{Patience: member.Patience{Question: oneLook}})
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, members.Close()) }()
	return members.Look(ctx)
}
