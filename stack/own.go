package stack

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"
)

// A Compose project may hold more than a stack: an application in an override
// file, or nothing of the stack at all where somebody else took the name first.
// A container is the stack's own by its role. Volumes and networks have to be
// told by their names and by who uses them, as Docker Compose labels them for the
// project alone; those that PlanApply makes are labelled as well.

// Own reports whether the container has a role in the stack.
func (c Container) Own() bool { return c.Labels[RoleLabel] != "" }

// Own reports whether the volume is labelled as the stack's, and not only named so.
func (v Volume) Own() bool { return labelledOwn(v.Labels) }

func labelledOwn(labels map[string]string) bool {
	return labels[ownLabel] != "" || labels[filesLabel] != ""
}

// Names are names in a Compose file: of the volumes and networks that are a
// stack's own.
type Names struct{ Volumes, Networks []string }

// Belongings is what an engine holds of a project, divided.
type Belongings struct {
	Own    *State   // the stack's
	Others []string // not the stack's, such as "container p-web-1"
	images []string // of the containers among those
	// users are the containers that use the stack's networks and volumes and
	// are not its own, by "network NAME" and "volume NAME"; see askUsers.
	users map[string][]string
}

// Divide tells the stack's own objects from others of its project. A name alone proves
// nothing for a network, nor for a volume that something else uses.
func Divide(ctx context.Context, e Observer, s *State, named Names) (*Belongings, error) {
	b := DivideContainers(s)
	for _, v := range s.Volumes {
		own, err := b.owns(ctx, e, v, slices.Contains(named.Volumes, v.Key))
		if err != nil {
			return nil, err
		}
		if own {
			b.Own.Volumes = append(b.Own.Volumes, v)
		} else {
			b.Others = append(b.Others, "volume "+v.Name)
		}
	}
	for _, n := range s.Networks {
		if labelledOwn(n.Labels) || slices.Contains(named.Networks, n.Key) && b.isOn(n) {
			b.Own.Networks = append(b.Own.Networks, n)
		} else {
			b.Others = append(b.Others, "network "+n.Name)
		}
	}
	return b, nil
}

// DivideContainers is Divide for those who care for nothing else.
func DivideContainers(s *State) *Belongings {
	b := &Belongings{Own: &State{Project: s.Project}, users: map[string][]string{}}
	b.Own.Containers = b.take(s.Containers)
	b.Own.Spares = b.take(s.Spares)
	return b
}

func (b *Belongings) take(containers []Container) (own []Container) {
	for _, c := range containers {
		if c.Own() {
			own = append(own, c)
		} else {
			b.Others, b.images = append(b.Others, "container "+c.Name), append(b.images, c.Image)
		}
	}
	return own
}

// owns decides about a volume. What has a name of the stack's in another Compose file of the
// project has another one on the engine, or somebody who uses it.
func (b *Belongings) owns(ctx context.Context, e Observer, v Volume, named bool) (bool, error) {
	usual := v.Name == b.Own.Project+"_"+v.Key
	if v.Own() || !named || !usual {
		return v.Own(), nil
	}
	if slices.ContainsFunc(b.Own.Containers, func(c Container) bool { return c.mounts(v.Name) }) {
		return true, nil
	}
	users, err := b.usersOf(ctx, e, "volume", v.Name)
	return len(users) == 0, err
}

// isOn tells whether anything of the stack is on a network: nothing else tells one that
// Docker Compose has made for it from one that has its name in another file of the project.
func (b *Belongings) isOn(n Network) bool {
	return slices.ContainsFunc(slices.Concat(b.Own.Containers, b.Own.Spares), func(c Container) bool {
		_, on := c.NetworkIDs[n.Name]
		return on
	})
}

// askUsers asks who else uses the stack's volumes and networks: a question for each.
func (b *Belongings) askUsers(ctx context.Context, e Observer) error {
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	ask := func(kind, name string) {
		g.Go(func() error {
			users, err := b.usersOf(ctx, e, kind, name)
			mu.Lock()
			defer mu.Unlock()
			b.users[kind+" "+name] = users
			return err
		})
	}
	for _, v := range b.Own.Volumes {
		ask("volume", v.Name)
	}
	for _, n := range b.Own.Networks {
		ask("network", n.Name)
	}
	return g.Wait()
}

// usersOf gives the containers, running or not, that use a volume or a network
// and are not the stack's.
func (b *Belongings) usersOf(ctx context.Context, e Observer, kind, name string) ([]string, error) {
	all, err := containersOf(ctx, e, kind, name)
	if err != nil {
		return nil, err
	}
	var users []string
	for _, c := range all {
		if mine := c.Own() && c.Labels[projectLabel] == b.Own.Project; !mine {
			users = append(users, c.Name)
		}
	}
	slices.Sort(users)
	return users, nil
}

// Used tells whether a container has a volume, running or not.
func Used(ctx context.Context, e Observer, v Volume) (bool, error) {
	all, err := containersOf(ctx, e, "volume", v.Name)
	return len(all) > 0, err
}

// containersOf gives the containers, running or not, that use a volume or a network.
func containersOf(ctx context.Context, e Observer, kind, name string) ([]Container, error) {
	list, err := e.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: make(client.Filters).Add(kind, name)})
	if err != nil {
		return nil, fmt.Errorf("ask the engine who uses the %s %s: %w", kind, name, err)
	}
	return slices.DeleteFunc(observed(list.Items, toContainer), func(c Container) bool {
		return kind == "volume" && !c.mounts(name) // the engine's filter takes a folder's name too
	}), nil
}

func (c Container) mounts(volume string) bool {
	return slices.Contains(slices.Collect(maps.Values(c.Volumes)), volume)
}

// Foreign is an error if there is something of the project, and nothing of it
// is the stack's own.
func (b *Belongings) Foreign() error {
	if !b.Own.Empty() || len(b.Others) == 0 {
		return nil
	}
	return &ForeignError{Project: b.Own.Project, Holds: b.Others, Images: b.images}
}

// ForeignError is about a Compose project that holds nothing of a stack.
type ForeignError struct {
	Project string
	Holds   []string // such as "container p-web-1"
	Images  []string // of its containers, as they are called
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s is a Compose project that is not etcdctr's: nothing is done to %s", e.Project, strings.Join(e.Holds, ", "))
}
