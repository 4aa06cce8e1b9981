package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/moby/moby/client"
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
	switch {
	case wasPeers != isPeers && wasMode != isMode:
		return withHint(fmt.Errorf("the data in %s is of a cluster with --tls %s, and cannot go over to %s: etcd keeps the URLs of its peers there", place, wasMode, isMode),
			"--tls %s leaves it at that; `etcdctr down --volumes` deletes the data", wasMode)
	case wasPeers != isPeers:
		return withHint(fmt.Errorf("the data in %s is of another cluster, %s, than is wanted, %s", place, wasPeers, isPeers),
			"`etcdctr down --volumes` deletes it; --name starts another cluster beside it")
	case wasMode != isMode && runs:
		return withHint(fmt.Errorf("the members run with --tls %s, and cannot go over to %s one after the other", wasMode, isMode),
			"`etcdctr down`, which keeps the data, and `etcdctr up` bring that about; --tls %s leaves it at that", wasMode)
	}
	return nil
}

// peersOf are members as they are in their data. How they found each other is not.
func peersOf(members []memberSettings) string {
	var peers []string
	for _, m := range members {
		peers = append(peers, m.name+"="+settingIn(m.env, "initial-advertise-peer-urls"))
	}
	return strings.Join(peers, ",")
}

// checkChange holds what is wanted against the containers that there are.
func (d *driven) checkChange(ctx context.Context, w *wish) error {
	s, err := d.driver.Check(ctx, d.wanted(w, nil))
	if err != nil {
		return err
	}
	var was, is []memberSettings
	runs := false
	for _, c := range s.Members() {
		service, ok := w.project.Services[c.Service]
		if !ok || len(c.Volumes) == 0 { // its data goes with it
			continue
		}
		in, err := d.engine.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
		if err != nil {
			return fmt.Errorf("ask the engine for the settings of %s: %w", c.Name, err)
		}
		var env []string
		for name, value := range service.Environment {
			if value != nil {
				env = append(env, name+"="+*value)
			}
		}
		runs = runs || c.Running()
		was = append(was, memberSettings{c.Service, in.Container.Config.Env})
		is = append(is, memberSettings{c.Service, env})
	}
	return mayBecome("the volumes of "+w.project.Name, was, is, runs)
}
