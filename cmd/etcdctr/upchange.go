package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/stack"
)

// This file refuses changes that `up` cannot bring about: of what etcd keeps in
// the members' data, and of what they cannot disagree about while they are
// changed one after the other.

// memberSettings are a member's environment, as it is or as it is wanted.
type memberSettings struct {
	name string
	env  []string
}

// mayBecome refuses a change from one cluster to another one of the same name,
// whose data is at a place.
func mayBecome(place string, was, is []memberSettings, runs bool) error {
	if len(was) == 0 || len(is) == 0 {
		return nil
	}
	wasMode, isMode := tlsModeOf(was[0].env), tlsModeOf(is[0].env)
	wasPeers, isPeers := peersOf(was), peersOf(is)
	others := wasPeers != isPeers && wasPeers != "" && isPeers != ""
	switch {
	case others && wasMode != isMode:
		return withHint(fmt.Errorf("the data in %s is of a cluster with --tls %s, and cannot go over to %s: etcd keeps the URLs of its peers there", place, wasMode, isMode),
			"--tls %s leaves it at that; `etcdctr down --volumes` deletes the data", wasMode)
	case others:
		return withHint(fmt.Errorf("the data in %s is of another cluster, %s, than is wanted, %s", place, wasPeers, isPeers),
			"`etcdctr down --volumes` deletes it; --name starts another cluster beside it")
	case wasMode != isMode && runs:
		return withHint(fmt.Errorf("the members run with --tls %s, and cannot go over to %s one after the other", wasMode, isMode),
			"`etcdctr down`, which keeps the data, and `etcdctr up` bring that about; --tls %s leaves it at that", wasMode)
	}
	return nil
}

// peersOf are members as they are in their data; how they found each other is
// not. It is empty if the settings of one do not tell.
func peersOf(members []memberSettings) string {
	var peers []string
	for _, m := range members {
		urls := settingIn(m.env, "initial-advertise-peer-urls")
		if urls == "" {
			return ""
		}
		peers = append(peers, m.name+"="+urls)
	}
	return strings.Join(peers, ",")
}

// mayFollow refuses to leave a release of etcd out, up or down, where images tell
// their releases: no etcd follows on the data of the last but one.
func mayFollow(member, was, is string) error {
	from, known := releaseOf(was)
	to, wanted := releaseOf(is)
	if !known || !wanted || max(from.Minor-to.Minor, to.Minor-from.Minor) < 2 {
		return nil
	}
	between := (from.Minor + to.Minor) / 2
	return withHint(fmt.Errorf("%s is an etcd %s, and %s does not follow on its data: no release in between can be left out", member, from, to),
		"`etcdctr up --etcd 3.%d` first", between)
}

// releaseOf reads an image's tag.
func releaseOf(image string) (cluster.Version, bool) {
	ref, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return cluster.Version{}, false
	}
	tagged, ok := ref.(reference.Tagged)
	if !ok {
		return cluster.Version{}, false
	}
	v, err := cluster.ParseVersion(tagged.Tag())
	return v, err == nil
}

// checkChange holds what is wanted against the containers that there are. It
// gives what has to be done first, mostly nothing.
func (d *driven) checkChange(ctx context.Context, a *app, w *wish) (*stack.Plan, error) {
	s, err := d.driver.Check(ctx, d.wanted(w, nil))
	if err != nil {
		return nil, err
	}
	members := slices.DeleteFunc(s.Members(), func(c stack.Container) bool {
		_, wanted := w.project.Services[c.Service]
		return !wanted || len(c.Volumes) == 0 // its data goes with it
	})
	members, was, err := d.settings(ctx, members)
	if err != nil {
		return nil, err
	}
	running := slices.DeleteFunc(slices.Clone(members), func(c stack.Container) bool { return !c.Running() })
	if err := mayBecome("the volumes of "+s.Project, was, w.settings(members), len(running) > 0); err != nil {
		return nil, err
	}
	for _, c := range members {
		if err := mayFollow(c.Service, c.Image, w.project.Services[c.Service].Image); err != nil {
			return nil, err
		}
	}
	if w.tls == cluster.Mutual {
		return d.checkCertificates(ctx, a, w, s, running)
	}
	for _, c := range running {
		if dir := w.otherFolder(c); dir != "" {
			a.warn("%s was started in %s, and is not another one here: --name starts another", s.Project, dir)
			break
		}
	}
	return new(stack.Plan), nil
}

// settings are those that containers have. One that is gone by now, because an
// engine finishes what a killed command began, is left out.
func (d *driven) settings(ctx context.Context, members []stack.Container) (found []stack.Container, all []memberSettings, err error) {
	for _, c := range members {
		in, err := d.engine.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
		if errdefs.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("ask the engine for the settings of %s: %w", c.Name, err)
		}
		found = append(found, c)
		all = append(all, memberSettings{c.Service, in.Container.Config.Env})
	}
	return found, all, nil
}

// settings are those that containers shall have.
func (w *wish) settings(members []stack.Container) []memberSettings {
	var all []memberSettings
	for _, c := range members {
		var env []string
		for name, value := range w.project.Services[c.Service].Environment {
			if value != nil {
				env = append(env, name+"="+*value)
			}
		}
		all = append(all, memberSettings{c.Service, env})
	}
	return all
}

// checkCertificates refuses certificates that the members would not accept of
// each other: those of another folder's cluster, whose name is the same. Members
// that see none any more have to stop: their folder was deleted, and one of the
// same name is not the one that they have.
func (d *driven) checkCertificates(ctx context.Context, a *app, w *wish, s *stack.State, running []stack.Container) (*stack.Plan, error) {
	strangers := d.prober.strangers(ctx, running)
	if !d.prober.local && len(strangers) > 0 {
		strangers = strangers[:1] // all have copies, which nobody deletes, and looking is slow
	}
	var blind []stack.Container
	for _, c := range strangers {
		theirs, err := stack.ReadFile(ctx, d.engine, c, cluster.ContainerCertsDir+"/peer/ca.crt")
		if errors.Is(err, fs.ErrNotExist) {
			a.say("%s does not see its certificates any more: it starts anew", c.Service)
			blind = append(blind, c)
			continue
		}
		if err != nil {
			return nil, err
		}
		dir := w.certificates(d.flags.certificates())
		shared, err := sharesAuthority(dir, theirs)
		if err != nil {
			return nil, err
		}
		if !shared {
			elsewhere := ""
			if was := w.otherFolder(c); was != "" {
				elsewhere = ", started in " + was
			}
			return nil, withHint(fmt.Errorf("there is a running %s%s, and it does not accept certificates of %s", s.Project, elsewhere, dir),
				"--name starts another cluster beside it, --certs-dir names its certificates, and `etcdctr down --volumes` deletes it")
		}
	}
	if len(blind) == 0 {
		return new(stack.Plan), nil
	}
	return d.driver.PlanStop(ctx, s, blind), nil
}

// otherFolder is where a container was started, if that is not where this is.
func (w *wish) otherFolder(c stack.Container) string {
	if dir := c.WorkingDir(); dir != w.project.WorkingDir {
		return dir
	}
	return ""
}

// sharesAuthority reports whether the members that a folder has certificates for
// trust one of the authorities for peers.
func sharesAuthority(dir string, authorities []byte) (bool, error) {
	ours, err := filepath.Glob(filepath.Join(dir, "members", "*", "peer", certs.CAFile))
	if err != nil || len(ours) == 0 {
		return false, err
	}
	data, err := os.ReadFile(ours[0])
	if err != nil {
		return false, fmt.Errorf("cannot read the members' authorities: %w", err)
	}
	return certs.ShareAuthority(data, authorities)
}
