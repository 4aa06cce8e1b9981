//go:build e2e

package member_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/member"
)

var update = flag.Bool("update", false, "write the page of refused calls anew")

// refusals are what calls about members are refused with, by what is wrong with
// them; nil for what is done all the same.
type refusals map[string]error

// The page is what members of each release say, asked by etcd's own client.
func TestPageOfRefusedCalls(t *testing.T) {
	all := map[string]refusals{}
	for _, minor := range slices.Sorted(maps.Keys(cluster.KnownPatches)) {
		all[fmt.Sprintf("3.%d", minor)] = refusedBy(t, release(t, minor))
	}
	const page = "../docs/refused-calls.md"
	got := pageOfRefusals(all)
	if *update {
		if err := os.WriteFile(page, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if is, err := os.ReadFile(page); err != nil || !bytes.Equal(is, got) {
		t.Errorf("%s is otherwise (%v), run the test with -update:\n%s", page, err, got)
	}
}

func refusedBy(t *testing.T, e etcd) refusals {
	t.Helper()
	c := e.newCluster(t, "etcd1", "etcd2", "etcd3")
	c.start(t)
	serving(t, c.client(t, member.Patience{}))
	etcd := c.raw(t, "etcd1")
	said := refusals{}
	unknown(t, etcd, said)
	c.leading(t, said)
	c.growing(t, etcd, said)
	lowering(t, etcd, said)
	c.lonely(t, said)
	return said
}

// try notes what becomes of a call.
func (r refusals) try(t *testing.T, what string, call func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r[what] = call(ctx)
}

func unknown(t *testing.T, etcd *clientv3.Client, said refusals) {
	t.Helper()
	said.try(t, "remove a member that is none", func(ctx context.Context) error {
		_, err := etcd.MemberRemove(ctx, 1)
		return err
	})
	said.try(t, "promote a member that is none", func(ctx context.Context) error {
		_, err := etcd.MemberPromote(ctx, 1)
		return err
	})
	said.try(t, "update a member that is none", func(ctx context.Context) error {
		_, err := etcd.MemberUpdate(ctx, 1, []string{"http://127.0.0.1:1"})
		return err
	})
	said.try(t, "add a member without a URL", func(ctx context.Context) error {
		_, err := etcd.MemberAdd(ctx, nil)
		return err
	})
	said.try(t, "add a member at what is no URL", func(ctx context.Context) error {
		_, err := etcd.MemberAdd(ctx, []string{"etcd4:2380"})
		return err
	})
	said.try(t, "promote a voter", func(ctx context.Context) error {
		list, err := etcd.MemberList(ctx)
		if err == nil {
			_, err = etcd.MemberPromote(ctx, list.Members[0].ID)
		}
		return err
	})
}

// leading asks for another leader.
func (c *running) leading(t *testing.T, said refusals) {
	t.Helper()
	var leader, follower string
	var id uint64
	for name := range c.clients {
		s, err := c.raw(t, name).Status(t.Context(), c.clients[name])
		if err != nil {
			t.Fatal(err)
		}
		if s.Leader == s.Header.MemberId {
			leader = name
			continue
		}
		follower, id = name, s.Header.MemberId
	}
	said.try(t, "move the leader, asked of a follower", func(ctx context.Context) error {
		_, err := c.raw(t, follower).MoveLeader(ctx, id)
		return err
	})
	said.try(t, "move the leader to a member that is none", func(ctx context.Context) error {
		_, err := c.raw(t, leader).MoveLeader(ctx, 1)
		return err
	})
}

// growing adds a learner that never starts.
func (c *running) growing(t *testing.T, etcd *clientv3.Client, said refusals) {
	t.Helper()
	said.try(t, "add a member at the URL of another", func(ctx context.Context) error {
		return connected(ctx, func() error {
			_, err := etcd.MemberAdd(ctx, []string{c.peers["etcd1"]})
			return err
		})
	})
	var learner uint64
	if err := connected(t.Context(), func() error {
		added, err := etcd.MemberAddAsLearner(t.Context(), []string{"http://127.0.0.1:1"})
		if err == nil {
			learner = added.Member.ID
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	said.try(t, "promote a learner that was never started", func(ctx context.Context) error {
		_, err := etcd.MemberPromote(ctx, learner)
		return err
	})
	said.try(t, "add a second learner", func(ctx context.Context) error {
		return connected(ctx, func() error {
			_, err := etcd.MemberAddAsLearner(ctx, []string{"http://127.0.0.1:2"})
			return err
		})
	})
	said.try(t, "move the leader to a learner", func(ctx context.Context) error {
		for name := range c.clients {
			_, err := c.raw(t, name).MoveLeader(ctx, learner)
			if rpctypes.Error(err) != rpctypes.ErrNotLeader { //nolint:errorlint // what Error gives is one of its own
				return err
			}
		}
		return nil
	})
	if _, err := etcd.MemberRemove(t.Context(), learner); err != nil {
		t.Fatal(err)
	}
}

// connected repeats a call for as long as the members have not been connected for
// long enough.
func connected(ctx context.Context, call func() error) error {
	for {
		err := call()
		if rpctypes.Error(err) != rpctypes.ErrUnhealthy || ctx.Err() != nil { //nolint:errorlint // what Error gives is one of its own
			return err
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func lowering(t *testing.T, etcd *clientv3.Client, said refusals) {
	t.Helper()
	said.try(t, "cancel a downgrade that there is not", func(ctx context.Context) error {
		_, err := etcd.Downgrade(ctx, clientv3.DowngradeCancel, "")
		return err
	})
	said.try(t, "allow a downgrade by two minors", func(ctx context.Context) error {
		_, err := etcd.Downgrade(ctx, clientv3.DowngradeValidate, "3.3.0")
		return err
	})
	said.try(t, "allow a downgrade to what is no version", func(ctx context.Context) error {
		_, err := etcd.Downgrade(ctx, clientv3.DowngradeValidate, "old")
		return err
	})
}

// lonely stops one member, so that both others are needed.
func (c *running) lonely(t *testing.T, said refusals) {
	t.Helper()
	etcd := c.raw(t, "etcd1")
	c.stop("etcd3")
	list, err := etcd.MemberList(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	id := map[string]uint64{}
	for _, m := range list.Members {
		id[m.Name] = m.ID
	}
	said.try(t, "add a learner while one of three is down", func(ctx context.Context) error {
		_, err := etcd.MemberAddAsLearner(ctx, []string{"http://127.0.0.1:1"})
		return err
	})
	said.try(t, "remove one that serves while one of three is down", func(ctx context.Context) error {
		_, err := etcd.MemberRemove(ctx, id["etcd2"])
		return err
	})
	c.stop("etcd2")
	said.try(t, "list the members without a quorum", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		_, err := etcd.MemberList(ctx)
		return err
	})
}

var numbers = regexp.MustCompile(`\b\d{5,}\b|\b[0-9a-f]{15,16}\b`)

// told is an error as a client sees it: its gRPC code and its words.
func told(err error) string {
	if err == nil {
		return "done"
	}
	by, words := "the client itself", err.Error()
	if is, ok := rpctypes.Error(err).(rpctypes.EtcdError); ok { //nolint:errorlint // what Error gives is one of its own
		by, words = is.Code().String(), is.Error()
	}
	return fmt.Sprintf("%s: `%s`", by, numbers.ReplaceAllString(words, "N"))
}

func pageOfRefusals(all map[string]refusals) []byte {
	var b bytes.Buffer
	b.WriteString(`# What calls about members are refused with

What etcd answers, by release, as its own Go client gives it: the code of gRPC, and the
words; or what the client itself says. ` + "`TestPageOfRefusedCalls`" + ` asks real members, and writes this page.

| call | releases | answer |
|---|---|---|
`)
	releases := slices.Sorted(maps.Keys(all))
	newest := all[releases[len(releases)-1]]
	for _, what := range slices.Sorted(maps.Keys(newest)) {
		by := map[string][]string{}
		for _, release := range releases {
			answer := told(all[release][what])
			by[answer] = append(by[answer], release)
		}
		for _, answer := range slices.SortedFunc(maps.Keys(by), func(a, b string) int { return strings.Compare(by[a][0], by[b][0]) }) {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", what, strings.Join(by[answer], ", "), answer)
		}
	}
	return b.Bytes()
}
