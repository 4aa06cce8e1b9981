package docker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/stack"
)

// owner is a user and a group in a container, by their numbers.
type owner struct{ uid, gid int }

// ownerOf is whom a server's process runs as, and so has to own its data: the user
// that its description names, or else that of its image.
func (r *Runtime) ownerOf(ctx context.Context, want *cluster.Cluster, server string) (owner, error) {
	p, err := r.project(ctx, want)
	if err != nil {
		return owner{}, err
	}
	service := p.Services[server]
	user := service.User
	if user == "" {
		image, err := r.engine.ImageInspect(ctx, service.Image)
		if err != nil {
			return owner{}, fmt.Errorf("ask the image %s for its user: %w", service.Image, err)
		}
		if image.Config != nil {
			user = image.Config.User
		}
	}
	name, group, _ := strings.Cut(user, ":")
	o, known := numbered(name, group)
	if known {
		return o, nil
	}
	if o, err = r.namedOwner(ctx, want.Name, service.Image, name, group); err != nil {
		return owner{}, fmt.Errorf("who is the user %q of the image %s: %w", user, service.Image, err)
	}
	return o, nil
}

// numbered reads a user and a group that are numbers; root stands for none. A user
// alone has the group of the same number, which is not told apart from the one that
// the image may know it by: what is its owner's is for nobody else.
func numbered(user, group string) (owner, bool) {
	if user == "" {
		return owner{}, true
	}
	uid, err := strconv.Atoi(user)
	if err != nil {
		return owner{}, false
	}
	if group == "" {
		return owner{uid, uid}, true
	}
	gid, err := strconv.Atoi(group)
	return owner{uid, gid}, err == nil
}

// namedOwner looks a user and perhaps a group up in an image.
func (r *Runtime) namedOwner(ctx context.Context, project, image, user, group string) (o owner, err error) {
	look := stack.Helper{Project: project, Image: image, Command: []string{"etcd"}} // which is never started
	err = look.With(ctx, r.engine, func(id string) error {
		c := stack.Container{ID: id, Name: image}
		passwd, err := stack.ReadFile(ctx, r.engine, c, "/etc/passwd")
		if err != nil {
			return err
		}
		entry := entryOf(passwd, user)
		if len(entry) < 4 {
			return errors.New("/etc/passwd does not have it")
		}
		var known bool
		if o, known = numbered(entry[2], entry[3]); !known {
			return errors.New("/etc/passwd has no number for it")
		}
		if group == "" {
			return nil
		}
		if gid, err := strconv.Atoi(group); err == nil {
			o.gid = gid
			return nil
		}
		groups, err := stack.ReadFile(ctx, r.engine, c, "/etc/group")
		if err != nil {
			return err
		}
		if entry = entryOf(groups, group); len(entry) < 3 {
			return errors.New("/etc/group does not have its group")
		}
		o.gid, err = strconv.Atoi(entry[2])
		return err
	})
	return o, err
}

// entryOf is the line of a name in a file such as /etc/passwd.
func entryOf(file []byte, name string) []string {
	for line := range strings.Lines(string(file)) {
		entry := strings.Split(strings.TrimRight(line, "\n"), ":")
		if entry[0] == name {
			return entry
		}
	}
	return nil
}
