#!/usr/bin/env bash
# The metrics of watches that `etcd grpc-proxy` puts together are 0 while it does, and less
# than 0 afterwards.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour 100 watches of one key, made one after the other, for which the member has few:
#           etcd_grpc_proxy_watchers_coalescing_total is 0, and below 0 once they ended
# Seen      0; -97
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

# proxy NAME FLAG... puts a grpc-proxy before the member: its endpoint is $NAME.
proxy() {
  local name=$1 at
  shift
  at=127.0.0.1:$(port)
  (unset ETCDCTL_ENDPOINTS; exec etcd grpc-proxy start --endpoints "${url#http://}" --listen-addr "$at" --advertise-client-url "$at" "$@") >"$work/$name.log" 2>&1 &
  proxies="${proxies:-} $!"
  printf -v "$name" %s "$at"
  await curl -sf "http://$at/health"
}
stopproxies() { kill $proxies; wait $proxies 2>/dev/null || true; proxies=; }

# through ENDPOINT WORD... is etcdctl there.
through() { local ETCDCTL_ENDPOINTS=$1; export ETCDCTL_ENDPOINTS; shift; etcdctl "$@"; }

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

func main() {
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{os.Args[1]}, Logger: zap.NewNop()})
	if err != nil {
		panic(err)
	}
	for i := 0; i < 100; i++ {
		<-c.Watch(context.Background(), "k", clientv3.WithCreatedNotify())
	}
	fmt.Println("watching")
	time.Sleep(time.Hour)
}'
program go.etcd.io/etcd/client/v3@v3.7.3 <<<"$source"

watching() { grep -q watching "$work/watching"; }
member() { curl -s "$url/metrics" | sed -n 's/^etcd_debugging_mvcc_watcher_total //p'; }
few() { [ "$(member)" -lt 20 ]; }
together() { curl -s "http://$front/proxy/metrics" | sed -n 's/^etcd_grpc_proxy_watchers_coalescing_total //p'; }
negative() { [ "$(together)" -lt 0 ]; }

for version in 3.5.35 3.6.16 3.7.3; do
  start $version
  proxy front
  : >"$work/watching"
  "$work/run" "$front" >"$work/watching" & watcher=$!
  await watching
  await few
  expect "$version: while there are a hundred" 0 "$(together)"
  kill $watcher && wait $watcher 2>"$work/killed" || true
  await negative
  expect "$version: once they ended" 'below 0' "$(negative && echo 'below 0')"
  stopproxies
  stop
done
