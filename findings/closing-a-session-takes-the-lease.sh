#!/usr/bin/env bash
# Closing a session that was given a lease (WithLease) revokes that lease, with all of its
# keys, also where another session, or the program itself, goes on using it.
#
# Version   go.etcd.io/etcd/client/v3 3.5.35, 3.6.16, 3.7.3 (concurrency), etcd 3.7.3
# Behaviour two sessions with one lease, one is closed: the lease and its keys are gone, and
#           the other session is done. Orphan instead of Close: all goes on
# Seen      no lease, 0 keys, done; a lease, 1 key, alive
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

func main() {
	ctx := context.Background()
	c := must(clientv3.New(clientv3.Config{Endpoints: []string{os.Args[1]}, Logger: zap.NewNop()}))
	lease := must(c.Grant(ctx, 6)).ID
	must(c.Put(ctx, "mine", "", clientv3.WithLease(lease)))
	first := must(concurrency.NewSession(c, concurrency.WithLease(lease)))
	second := must(concurrency.NewSession(c, concurrency.WithLease(lease)))
	if os.Args[2] == "close" {
		first.Close()
	} else {
		first.Orphan()
	}
	time.Sleep(8 * time.Second)
	state := "alive"
	select {
	case <-second.Done():
		state = "done"
	default:
	}
	there := must(c.TimeToLive(ctx, lease)).TTL > 0
	fmt.Println(there, must(c.Get(ctx, "mine")).Count, state)
	c.Delete(ctx, "mine")
}'

start 3.7.3
for version in 3.5.35 3.6.16 3.7.3; do
  program "go.etcd.io/etcd/client/v3@v$version" <<<"$source"
  expect "client $version: closed: the lease, its keys, the other session" 'false 0 done' "$("$work/run" "$url" close)"
  expect "client $version: orphaned" 'true 1 alive' "$("$work/run" "$url" orphan)"
done
stop
