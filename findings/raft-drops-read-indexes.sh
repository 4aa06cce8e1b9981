#!/usr/bin/env bash
# raft drops a request for a read index where there is no leader, and returns no error, where a proposal waits
# for one: who waits for the answer waits for ever.
#
# Version   go.etcd.io/raft 3.7.0
# Behaviour a node of three that knows of no leader: Propose waits until its context is over; ReadIndex returns nil
#           at once, and no Ready has a ReadState, after ten elections' time as well
# Seen      context deadline exceeded; <nil>, 0 read states
#
# Exits 1 once this is no longer so.
set -euo pipefail

cache=${FINDINGS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/findings}
work=$(mktemp -d)
trap 'kill -KILL $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT

# expect WHAT WANT GOT fails where the behaviour is another than stated above.
expect() {
  [ "$2" = "$3" ] || { printf 'changed: %s\nstated:  %s\nseen:    %s\n' "$1" "$2" "$3" >&2; exit 1; }
  echo "as stated: $1: $3"
}

# program MODULE@VERSION...: builds the Go program on standard input against them.
program() {
  mkdir -p "$work/program"
  cat >"$work/program/main.go"
  (cd "$work/program" && rm -f go.mod go.sum && go mod init finding && go get "$@" . && go build -o ../run .) >"$work/install" 2>&1 ||
    { cat "$work/install" >&2; exit 1; }
}

source='package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

func main() {
	raft.SetLogger(&raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)})
	storage := raft.NewMemoryStorage()
	node := raft.StartNode(&raft.Config{
		ID: 1, ElectionTick: 10, HeartbeatTick: 1, Storage: storage, MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 10, PreVote: true,
	}, []raft.Peer{{ID: 1}, {ID: 2}, {ID: 3}})
	ctx, states := context.Background(), 0
	ready := func() {
		select {
		case rd := <-node.Ready():
			states += len(rd.ReadStates)
			storage.Append(rd.Entries)
			for _, entry := range rd.CommittedEntries { // the members it was started with
				var change raftpb.ConfChange
				if err := proto.Unmarshal(entry.GetData(), &change); err != nil {
					panic(err)
				}
				node.ApplyConfChange(&change)
			}
			node.Advance()
		default:
		}
	}
	for range 100 {
		node.Tick()
		node.Status()
		ready()
	}
	soon, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	fmt.Println(node.Propose(soon, []byte("x")))
	err := node.ReadIndex(ctx, []byte("x"))
	for range 100 {
		node.Tick()
		node.Status()
		ready()
	}
	fmt.Printf("%v, %d read states\n", err, states)
}
'
program go.etcd.io/raft/v3@v3.7.0 <<<"$source"

expect 'a proposal and a read index without a leader' 'context deadline exceeded
<nil>, 0 read states' "$("$work/run")"
