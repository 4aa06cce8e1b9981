#!/usr/bin/env bash
# A service that go-kit registered with a time to live is gone for good once its lease was
# lost, as after etcd was away for longer; nothing tells the program.
#
# Version   github.com/go-kit/kit 0.13.0 (sd/etcdv3), etcd 3.7.3
# Behaviour Register with a TTL of 3 s, the lease revoked: no key 10 s later, though the
#           program goes on and logs nothing
# Seen      registered; gone; gone
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

	"github.com/go-kit/kit/sd/etcdv3"
	"github.com/go-kit/log"
	clientv3 "go.etcd.io/etcd/client/v3"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func main() {
	ctx := context.Background()
	registry := must(etcdv3.NewClient(ctx, os.Args[1:], etcdv3.ClientOptions{}))
	c := must(clientv3.New(clientv3.Config{Endpoints: os.Args[1:]}))
	state := func() string {
		if must(c.Get(ctx, "service/1")).Count == 0 {
			return "gone"
		}
		return "registered"
	}
	service := etcdv3.Service{Key: "service/1", Value: "192.0.2.1:80", TTL: etcdv3.NewTTLOption(time.Second, 3*time.Second)}
	etcdv3.NewRegistrar(registry, service, log.NewLogfmtLogger(os.Stderr)).Register()
	time.Sleep(5 * time.Second)
	fmt.Println(state())
	must(c.Revoke(ctx, clientv3.LeaseID(registry.LeaseID())))
	fmt.Println(state())
	time.Sleep(10 * time.Second)
	fmt.Println(state())
}'
program github.com/go-kit/kit@v0.13.0 github.com/go-kit/log@v0.2.1 <<<"$source"

start 3.7.3
expect 'registered for 5 s, the lease revoked, 10 s later' 'registered gone gone' "$("$work/run" "$url" 2>"$work/out" | paste -sd' ')"
expect 'what it logs' 1 "$(grep -c . "$work/out")"
stop
