#!/usr/bin/env bash
# Who waits to be elected, or for the lock of a RWMutex, and whose lease ends meanwhile,
# is told in the end that he has it.
#
# Version   go.etcd.io/etcd/client/v3 3.5.35, 3.6.16, 3.7.3 (concurrency,
#           experimental/recipes), etcd 3.7.3
# Behaviour the lease of a waiting session is gone, then the first one resigns:
#           Campaign and RWMutex.Lock return no error, and Mutex.Lock returns one. There
#           is no key of the elected, so that the next one is elected beside him
# Seen      elected, but there is no leader; another one elected; locked with no key of
#           his; mutex: session is expired
#
# Whoever was away for longer than his lease, as a machine that slept, leads beside
# another. Look at Session.Done after Campaign, and let Proclaim have the last word.
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
  local version=$1 peer
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
  (cd "$work/program"
   export CGO_ENABLED=0
   rm -f go.mod go.sum
   go mod init finding
   go get "$@" .
   go build -trimpath -o ../run .) >"$work/install" 2>&1 || { cat "$work/install" >&2; exit 1; }
}

source='package main

import (
	"context"
	"fmt"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	recipe "go.etcd.io/etcd/client/v3/experimental/recipes"
	"go.uber.org/zap"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// waits runs wait, which waits for what another holds, has its session expire, and
// returns what it returned after release.
func waits(c *clientv3.Client, s *concurrency.Session, name string, wait, release func() error) error {
	ctx, done := context.Background(), make(chan error, 1)
	go func() { done <- wait() }()
	for must(c.Get(ctx, name, clientv3.WithPrefix())).Count < 2 {
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(200 * time.Millisecond) // it has put its key, and waits
	must(c.Revoke(ctx, s.Lease()))
	<-s.Done()
	check(release())
	return <-done
}

func main() {
	ctx := context.Background()
	c := must(clientv3.New(clientv3.Config{Endpoints: []string{os.Args[1]}, Logger: zap.NewNop()}))
	holder := must(concurrency.NewSession(c))
	waiter := func() *concurrency.Session { return must(concurrency.NewSession(c)) }

	switch os.Args[2] {
	case "election":
		s := waiter()
		first, second := concurrency.NewElection(holder, "e"), concurrency.NewElection(s, "e")
		check(first.Campaign(ctx, "first"))
		err := waits(c, s, "e/", func() error { return second.Campaign(ctx, "second") }, func() error { return first.Resign(ctx) })
		_, leader := second.Leader(ctx)
		fmt.Printf("%v, %v, ", err, leader)
		fmt.Print(concurrency.NewElection(waiter(), "e").Campaign(ctx, "third"))
	case "rwmutex":
		s := waiter()
		first, second := recipe.NewRWMutex(holder, "rw"), recipe.NewRWMutex(s, "rw")
		check(first.Lock())
		fmt.Print(waits(c, s, "rw/", second.Lock, first.Unlock), ", ", must(c.Get(ctx, "rw/", clientv3.WithPrefix())).Count, " keys")
	case "mutex":
		s := waiter()
		first, second := concurrency.NewMutex(holder, "m"), concurrency.NewMutex(s, "m")
		check(first.Lock(ctx))
		fmt.Print(waits(c, s, "m/", func() error { return second.Lock(ctx) }, func() error { return first.Unlock(ctx) }))
	}
}'

start 3.7.3
for version in 3.5.35 3.6.16 3.7.3; do
  etcdctl del '' --prefix >"$work/del"
  program "go.etcd.io/etcd/client/v3@v$version" <<<"$source"
  expect "client $version: campaign, leader, the next one" '<nil>, election: no leader, <nil>' "$("$work/run" "$url" election)"
  expect "client $version: lock of a RWMutex, keys of it" '<nil>, 0 keys' "$("$work/run" "$url" rwmutex)"
  expect "client $version: lock of a Mutex" 'mutex: session is expired' "$("$work/run" "$url" mutex)"
done
stop
