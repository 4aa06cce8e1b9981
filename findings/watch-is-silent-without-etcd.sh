#!/usr/bin/env bash
# A watch of the Go client says nothing when no member can be reached any more, WithRequireLeader or
# not; a lease that is kept alive says so.
#
# Version   go.etcd.io/etcd/client/v3 3.5.35, 3.6.16, 3.7.3, etcd 3.7.3
# Behaviour a watch with WithRequireLeader, its connection's keep-alive at 1 s, and the only
#           member stopped: no event, no error and no end, half a minute later. KeepAlive of a
#           lease of 5 s ends. A get with a deadline fails
# Seen      open; closed; context deadline exceeded
#
# What gives up what it leads by a watch alone keeps it while it is cut off, as vip-manager 5.0.0 does with
# its address (by hand: a minute later it still has it).
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
	"go.uber.org/zap"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// state says whether something comes from the channel, or its end, within the time.
func state[T any](from <-chan T, within time.Duration) string {
	end := time.After(within)
	for {
		select {
		case _, ok := <-from:
			if !ok {
				return "closed"
			}
		case <-end:
			return "open"
		}
	}
}

func main() {
	ctx := context.Background()
	c := must(clientv3.New(clientv3.Config{
		Endpoints: os.Args[1:], Logger: zap.NewNop(), DialKeepAliveTime: time.Second, DialKeepAliveTimeout: time.Second,
	}))
	watch := c.Watch(clientv3.WithRequireLeader(ctx), "leader", clientv3.WithCreatedNotify())
	<-watch
	alive := must(c.KeepAlive(ctx, must(c.Grant(ctx, 5)).ID))
	<-alive
	fmt.Println("ready")
	watched := make(chan string)
	go func() {
		// An error of the watch is its end.
		watched <- state(watch, 30*time.Second)
	}()
	fmt.Println("lease", state(alive, 30*time.Second))
	short, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := c.Get(short, "leader")
	fmt.Println("get", err)
	fmt.Println("watch", <-watched)
}
'
ready() { grep -q ready "$work/said"; }

for version in 3.5.35 3.6.16 3.7.3; do
  program "go.etcd.io/etcd/client/v3@v$version" <<<"$source"
  start 3.7.3
  : >"$work/said"
  "$work/run" "$url" >"$work/said" & run=$!
  await ready
  stop
  wait $run
  expect "client $version: half a minute after the only member stopped" 'ready lease closed get context deadline exceeded watch open' "$(paste -sd' ' "$work/said")"
  rm -rf "$work/3.7.3.etcd"
done
