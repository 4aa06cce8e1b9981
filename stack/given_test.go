package stack

import (
	"slices"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
)

// What a container is given besides is not what its hash is made of, for Docker Compose goes
// by that; and one whose file has said it is the same container.
func TestWhatAContainerIsGivenBesidesHasNoPartInItsHash(t *testing.T) {
	founds, waits := "new", "existing"
	service := func(state *string) (s types.ServiceConfig) {
		s.Name, s.Image, s.Environment = "etcd1", "etcd", types.MappingWithEquals{"STATE": state}
		return s
	}
	w := Wanted{
		Project:     &types.Project{Name: "orders"},
		Environment: map[string]map[string]string{"etcd1": {"STATE": waits}},
	}
	made, err := w.creation(service(&founds), "orders-etcd1-1")
	if err != nil {
		t.Fatal(err)
	}
	said, err := serviceHash(service(&founds))
	if err != nil {
		t.Fatal(err)
	}
	if env := made.container.Env; !slices.Equal(env, []string{"STATE=existing"}) || made.container.Labels[configHashLabel] != said {
		t.Errorf("it is given %v, and its hash is %q, want %q", env, made.container.Labels[configHashLabel], said)
	}
	before, err := serviceHash(service(&waits))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []string{said, before} {
		if same, err := w.made(service(&founds), Container{ConfigHash: h}); err != nil || !same {
			t.Errorf("it would be replaced (%v)", err)
		}
	}
	if same, err := (Wanted{}).made(service(&founds), Container{ConfigHash: before}); err != nil || same {
		t.Errorf("what another file says is the same (%v)", err)
	}
}
