#!/usr/bin/env bash
# A raft group that is still changing its members takes the next change without an error,
# and makes an entry with nothing in it of it.
#
# Version   go.etcd.io/raft/v3 3.7.0
# Behaviour ProposeConfChange of 2 and of 3, one right after the other: no error either
#           time, two entries committed, and only 2 is a member; the same proposal of 3 once
#           the first one is applied makes it one
# Seen      nil, nil: [EntryConfChange EntryNormal/0], 2; nil: 2 and 3
#
# etcd waits for each change by its ID, and lets one in at a time. Whoever builds on raft
# has to as well, and to look at what was committed.
# Exits 1 once this is no longer so.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# expect WHAT WANT GOT fails where the behaviour is another than stated above.
expect() {
  [ "$2" = "$3" ] || { printf 'changed: %s\nstated:  %s\nseen:    %s\n' "$1" "$2" "$3" >&2; exit 1; }
  echo "as stated: $1: $3"
}

# program MODULE@VERSION...: builds the Go program on standard input against them.
program() {
  mkdir -p "$work/program"
  cat >"$work/program/main.go"
  (cd "$work/program"
   export CGO_ENABLED=0
   rm -f go.mod go.sum
   go mod init finding
   go get "$@" .
   go build -trimpath -o ../run .) >"$work/install" 2>&1 || { cat "$work/install" >&2; exit 1; }
}

program go.etcd.io/raft/v3@v3.7.0 <<'END'
package main

import (
	"fmt"
	"io"
	"log"
	"maps"
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

type group struct {
	*raft.RawNode
	storage *raft.MemoryStorage
}

// work does what raft wants done until there is nothing more, and returns what it committed.
func (g group) work() (committed []string) {
	for g.HasReady() {
		ready := g.Ready()
		check(g.storage.Append(ready.Entries))
		for _, e := range ready.CommittedEntries {
			if e.GetType() != pb.EntryConfChange {
				committed = append(committed, fmt.Sprintf("%v/%d", e.GetType(), len(e.GetData())))
				continue
			}
			committed = append(committed, e.GetType().String())
			change := &pb.ConfChange{}
			check(proto.Unmarshal(e.GetData(), change))
			g.ApplyConfChange(change)
		}
		g.Advance(ready)
	}
	return committed
}

func (g group) add(id uint64) error {
	return g.ProposeConfChange(&pb.ConfChange{Type: pb.ConfChangeAddLearnerNode.Enum(), NodeId: &id})
}

func (g group) learners() []uint64 { return slices.Sorted(maps.Keys(g.Status().Config.Learners)) }

func main() {
	storage := raft.NewMemoryStorage()
	node, err := raft.NewRawNode(&raft.Config{
		ID: 1, ElectionTick: 10, HeartbeatTick: 1, Storage: storage, MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 256,
		Logger: &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)},
	})
	check(err)
	g := group{node, storage}
	check(g.Bootstrap([]raft.Peer{{ID: 1}}))
	g.work()
	check(g.Campaign())
	g.work()

	fmt.Print(g.add(2), " ", g.add(3), ": ", g.work(), " ", g.learners(), "; ")
	fmt.Print(g.add(3), ": ", g.work(), " ", g.learners())
}
END
expect 'two changes at once, and the second one again' \
  '<nil> <nil>: [EntryConfChange EntryNormal/0] [2]; <nil>: [EntryConfChange] [2 3]' "$("$work/run")"
