package stack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/moby/moby/client"
)

func TestWhatAKilledCommandWasLookingThroughIsDropped(t *testing.T) {
	e := running(t, three)
	of := func(m maker) string {
		h := Helper{Project: "p", Image: "i", Volume: "p_etcd1-data", Target: "/v", Command: []string{"true"}}
		o := h.options()
		o.Name, o.Config.Labels[makerLabel] = fmt.Sprintf("helper-%d", len(e.containers)), m.String()
		made, err := e.ContainerCreate(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return made.ID
	}
	killed := thisProcess()
	killed.process.Started = killed.process.Started.Add(-time.Hour)
	elsewhere := killed
	elsewhere.host = "another-machine"
	killedID, ownID, elsewhereID := of(killed), of(thisProcess()), of(elsewhere)

	s := observe(t, e)
	now := s.Containers[0].Created
	if err := s.DropLeft(t.Context(), e, now); err != nil {
		t.Fatal(err)
	}
	if got := e.helpers(); slices.Contains(got, killedID) || !slices.Contains(got, ownID) || !slices.Contains(got, elsewhereID) {
		t.Errorf("%v are left of %s, which was killed, %s and %s", got, killedID, ownID, elsewhereID)
	}
	if n := len(s.Containers); n != 5 {
		t.Errorf("the state has %d containers, want three members and two helpers", n)
	}
	if err := s.DropLeft(t.Context(), e, now.Add(mostUse+time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := e.helpers(); !slices.Equal(got, []string{ownID}) {
		t.Errorf("%v are left a day later, want %s", got, ownID)
	}
	if n := len(s.Members()); n != 3 {
		t.Errorf("%d members are left", n)
	}
}

// helpers are the containers that are there for a moment.
func (e *fakeEngine) helpers() []string {
	var all []string
	for id, c := range e.containers {
		if c.config.Labels[RoleLabel] == HelperRole {
			all = append(all, id)
		}
	}
	return all
}

func TestFilesAreCopiedThroughAHelper(t *testing.T) {
	e := running(t, three)
	refused := errors.New("refused")
	e.before = func(string) error { return refused }
	seen := &seenEngine{Engine: e}
	_ = (&transfer{project: "p", volume: "p_files", target: "/certs", image: "i", source: t.TempDir()}).run(t.Context(), seen) // refused
	l := seen.options.Config.Labels
	if l[RoleLabel] != HelperRole || l[projectLabel] != "p" || l[makerLabel] == "" {
		t.Errorf("nobody will know what it is for: %v", l)
	}
}

// seenEngine keeps what a container was to be made with.
type seenEngine struct {
	Engine
	options client.ContainerCreateOptions
}

func (e *seenEngine) ContainerCreate(ctx context.Context, o client.ContainerCreateOptions) (client.ContainerCreateResult, error) {
	e.options = o
	return e.Engine.ContainerCreate(ctx, o)
}
