#!/usr/bin/env bash
# vitess' lock of a keyspace is another's after the time of its lease, while the first still has
# it; and who leads goes on leading when another is elected.
#
# Version   vitess.io/vitess 0.24.4 (go/vt/topo/etcd2topo), etcd 3.7.3
# Behaviour LockKeyspace lets go of the keep-alive of its lease as it returns, so that the lock
#           lasts for --topo-etcd-lease-ttl (30 s), though that flag says that it is kept alive; another
#           gets it without an error. Asking (CheckKeyspaceLocked) says so, and
#           before that prolongs it. WaitForLeadership's context does not end with its lease
# Seen      locked; locked; node doesn't exist: lease; leads, leads
#
# A change of a keyspace that takes longer than that between two checks runs beside another.
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

# install VERSION builds etcd, etcdctl and etcdutl of a release, once.
install() {
  [ -x "$cache/etcd-$1/etcd" ] && return
  mkdir -p "$work/build-$1" "$cache/etcd-$1"
  (cd "$work/build-$1"
   export CGO_ENABLED=0
   go mod init finding
   go get "go.etcd.io/etcd/server/v3@v$1" "go.etcd.io/etcd/etcdctl/v3@v$1" "go.etcd.io/etcd/etcdutl/v3@v$1"
   for program in etcdctl etcdutl; do
     go build -trimpath -o "$cache/etcd-$1/$program" "go.etcd.io/etcd/$program/v3"
   done
   go build -trimpath -o "$cache/etcd-$1/etcd" go.etcd.io/etcd/server/v3) >"$work/install" 2>&1 ||
    { cat "$work/install" >&2; exit 1; }
}

port() {
  local port
  while port=$((20000 + RANDOM % 20000)); (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

await() { # await COMMAND...: until it succeeds, for a minute at most
  local tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || { echo "never came true: $*" >&2; cat "$work"/*.log >&2; exit 1; }
    sleep 0.2
  done
}

# start VERSION FLAG... starts one member, which answers at $url; its process is $pid.
start() {
  local version=$1
  shift
  install "$version"
  client=$(port) peer=$(port)
  url=http://127.0.0.1:$client
  export PATH="$cache/etcd-$version:$PATH" ETCDCTL_ENDPOINTS=$url
  "$cache/etcd-$version/etcd" --name m --data-dir "$work/$version.etcd" --unsafe-no-fsync \
    --listen-client-urls "$url" --advertise-client-urls "$url" \
    --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
    --initial-cluster "m=http://127.0.0.1:$peer" "$@" >"$work/$version.log" 2>&1 &
  pid=$!
  await etcdctl put started yes
}

stop() { kill "$pid"; wait "$pid" 2>/dev/null || true; }

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
	"os"

	topodatapb "vitess.io/vitess/go/vt/proto/topodata"
	"vitess.io/vitess/go/vt/servenv"
	"vitess.io/vitess/go/vt/topo"
	_ "vitess.io/vitess/go/vt/topo/etcd2topo"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func open() *topo.Server { return must(topo.OpenServer("etcd2", os.Getenv("ETCD"), "/vitess/global")) }

// lock takes the lock of a keyspace, lets another one wait for it, and asks then who has it.
func lock() {
	ctx := context.Background()
	one, two := open(), open()
	if err := one.CreateKeyspace(ctx, "commerce", &topodatapb.Keyspace{}); err != nil {
		panic(err)
	}
	held, unlock, err := one.LockKeyspace(ctx, "commerce", "first")
	if err != nil {
		panic(err)
	}
	fmt.Println("first: locked")
	_, _, err = two.LockKeyspace(ctx, "commerce", "second")
	fmt.Println("second:", err)
	fmt.Println("first, asked:", topo.CheckKeyspaceLocked(held, "commerce"))
	err = nil
	unlock(&err)
	fmt.Println("first, unlocking:", err)
}

func lead(name string) {
	leads := must(must(must(open().ConnForCell(context.Background(), topo.GlobalCell)).NewLeaderParticipation("work", name)).WaitForLeadership())
	fmt.Println("leads")
	<-leads.Done()
	fmt.Println("told")
}

func main() {
	servenv.ParseFlags("vtctld")
	if name := os.Getenv("LEAD"); name != "" {
		lead(name)
	} else {
		lock()
	}
}
'
program vitess.io/vitess@v0.24.4 <<<"$source"

start 3.7.3
export ETCD=$url
"$work/run" --topo-etcd-lease-ttl 5 >"$work/seen" 2>"$work/log"
expect 'a lock with a lease of 5 s, and another who wants it' "first: locked
second: <nil>
first, asked: node doesn't exist: lease
first, unlocking: node doesn't exist: lease" "$(cat "$work/seen")"

LEAD=one "$work/run" --topo-etcd-lease-ttl 5 >"$work/one" 2>"$work/one.log" & one=$!
await grep -q leads "$work/one"
LEAD=two "$work/run" --topo-etcd-lease-ttl 5 >"$work/two" 2>"$work/two.log" &
sleep 3
kill -STOP $one # its machine sleeps
await grep -q leads "$work/two"
kill -CONT $one
sleep 15
expect 'who led, its machine asleep for longer than its lease, 15 s later' leads "$(paste -sd' ' "$work/one")"
expect 'who leads since' leads "$(paste -sd' ' "$work/two")"
stop
