//go:build e2e

package e2e

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	etcdimages "github.com/etcdctr/etcdctr/images"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime/docker"
)

// TestComposeFindsNothingToDoAfterAMemberJoined starts three members in each way
// that they find each other, has a fourth join, and wants Docker Compose to
// recreate nothing by the file that is printed then.
func TestComposeFindsNothingToDoAfterAMemberJoined(t *testing.T) {
	for _, bootstrap := range []cluster.Bootstrap{cluster.Static, cluster.ByDiscovery, cluster.ByDNS} {
		t.Run(string(bootstrap), func(t *testing.T) { composeFindsNothingAfterAMemberJoined(t, bootstrap) })
	}
}

func composeFindsNothingAfterAMemberJoined(t *testing.T, bootstrap cluster.Bootstrap) {
	t.Helper()
	s := newStack(t)
	flags := []string{"--bootstrap", string(bootstrap)}
	if bootstrap == cluster.ByDNS {
		flags = append(flags, "--dns-image", dnsImage(t))
	}
	s.generate(append(flags, "--members", "4")...) // the fourth has its certificates
	s.generate(flags...)
	s.up()
	ids := s.containers()

	spec := cluster.Spec{Name: s.name, Bootstrap: string(bootstrap), Image: s.ref, Members: cluster.Count(4)}
	if bootstrap == cluster.ByDNS {
		spec.DNSImage = dnsImage(t)
	}
	if bootstrap == cluster.ByDiscovery {
		token, err := os.ReadFile(filepath.Join(s.dir, "discovery", s.name, "token"))
		if err != nil {
			t.Fatal(err)
		}
		spec.DiscoveryToken = string(token[:len(token)-1])
	}
	r := docker.New(docker.Options{
		Engine: engineClient(t), Folder: s.dir, CertsDir: "certs", DNSDir: "dns", LockDir: t.TempDir(),
		Pull: docker.PullNever, Self: etcdimages.Self{File: etcdctrBinary(t)},
	})
	join(t, r, spec, s.clientTLS("clients/root"))
	s.wantMembers(4)

	s.generate(append(flags, "--members", "4")...)
	before := s.containers()
	s.compose("up", "--detach")
	s.wantUntouched(before, "docker compose up")
	for name, id := range ids {
		if before[name] != id {
			t.Errorf("%s was recreated when another one joined", name)
		}
	}
	have, err := r.Observe(t.Context(), s.name)
	if err != nil {
		t.Fatal(err)
	}
	want, err := r.Place(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if changes, err := r.Changes(t.Context(), want, have); err != nil || len(changes) > 0 {
		t.Errorf("changes: %v, %v", changes, err)
	}
}

// join has the last member of a spec join the others.
func join(t *testing.T, r *docker.Runtime, spec cluster.Spec, config *tls.Config) {
	t.Helper()
	ctx := t.Context()
	want, err := r.Place(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	have, err := r.Observe(ctx, spec.Name)
	if err != nil {
		t.Fatal(err)
	}
	way, err := r.Reach(ctx, have)
	if err != nil {
		t.Fatal(err)
	}
	defer way.Close()
	newest := want.Members[len(want.Members)-1]
	urls := map[string]string{}
	for _, m := range want.Members {
		urls[m.Name] = m.ClientURL()
	}
	c, err := member.New(member.Config{URLs: urls, TLS: config, Dial: way.Dial})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.AddLearner(ctx, newest.PeerURL()); err != nil {
		t.Fatal(err)
	}
	now := []string{newest.Name + "=" + newest.PeerURL()}
	for _, m := range have.Members() {
		now = append(now, m.Name+"="+m.PeerURL())
	}
	slices.Sort(now)
	if err := r.Apply(ctx, want.Joining(newest.Name, now), newest.Name); err != nil {
		t.Fatal(err)
	}
	if err := c.Join(ctx, newest.Name, func(member.CatchUp) {}); err != nil {
		t.Fatal(err)
	}
}
