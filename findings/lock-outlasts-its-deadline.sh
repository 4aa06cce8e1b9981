#!/usr/bin/env bash
# A Lock or a Campaign with a deadline, which waits for another holder, does not return at its
# deadline while etcd does not answer: it takes its own key back first, without a deadline.
#
# Version   go.etcd.io/etcd/client/v3 3.5.35, 3.6.16, 3.7.3 (concurrency), etcd 3.7.3
# Behaviour a deadline of 3 s, etcd frozen after one second and for ten: both return once it
#           goes on. A Lock that only begins then returns at its deadline
# Seen      late late; in time
#
# A server that bounds each request so is stuck with all of them.
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
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"go.uber.org/zap"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// late says whether f, which has three seconds, takes more than six.
func late(said chan<- string, f func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	begun := time.Now()
	if err := f(ctx); err == nil {
		said <- "no error"
	} else if time.Since(begun) > 6*time.Second {
		said <- "late"
	} else {
		said <- "in time"
	}
}

func main() {
	c := must(clientv3.New(clientv3.Config{Endpoints: []string{os.Args[1]}, Logger: zap.NewNop()}))
	holder, waiter := must(concurrency.NewSession(c)), must(concurrency.NewSession(c))
	ctx := context.Background()
	if err := concurrency.NewMutex(holder, "lock").Lock(ctx); err != nil {
		panic(err)
	}
	if err := concurrency.NewElection(holder, "election").Campaign(ctx, ""); err != nil {
		panic(err)
	}
	lock, campaign, begins := make(chan string, 1), make(chan string, 1), make(chan string, 1)
	go late(lock, concurrency.NewMutex(waiter, "lock").Lock)
	go late(campaign, func(ctx context.Context) error { return concurrency.NewElection(waiter, "election").Campaign(ctx, "") })
	time.Sleep(time.Second)
	fmt.Println("waiting")
	time.Sleep(time.Second)
	go late(begins, concurrency.NewMutex(waiter, "another").Lock)
	fmt.Println(<-lock, <-campaign, <-begins)
	// The sessions end with their leases.
}'

waiting() { grep -q waiting "$work/said"; }

for version in 3.5.35 3.6.16 3.7.3; do
  program "go.etcd.io/etcd/client/v3@v$version" <<<"$source"
  start 3.7.3
  : >"$work/said"
  "$work/run" "$url" >"$work/said" & run=$!
  await waiting
  kill -STOP "$pid"
  sleep 10
  kill -CONT "$pid"
  wait $run
  expect "client $version: Lock, Campaign, and a Lock that begins then" 'late late in time' "$(tail -1 "$work/said")"
  stop
  rm -rf "$work/3.7.3.etcd"
done
