#!/usr/bin/env bash
# What a service announces of itself beside its address, as a weight or a version, never comes
# to gRPC: etcd's resolver leaves Metadata out.
#
# Version   go.etcd.io/etcd/client/v3 3.5.35, 3.6.16, 3.7.3 (naming/resolver), etcd 3.7.3
# Behaviour AddEndpoint with Metadata: List has it, and the addresses that gRPC gets have no
#           Metadata and no attribute of that name
# Seen      map[weight:3]; <nil> <nil>
#
# A balancer has to list the endpoints itself.
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
	"net/url"
	"os"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/naming/endpoints"
	etcdresolver "go.etcd.io/etcd/client/v3/naming/resolver"
	"go.uber.org/zap"
	"google.golang.org/grpc/resolver"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// states is a connection of gRPC that only keeps what a resolver tells it.
type states struct {
	resolver.ClientConn
	told chan resolver.State
}

func (s states) UpdateState(state resolver.State) error {
	s.told <- state
	return nil
}

func main() {
	ctx := context.Background()
	c := must(clientv3.New(clientv3.Config{Endpoints: []string{os.Args[1]}, Logger: zap.NewNop()}))
	services := must(endpoints.NewManager(c, "service"))
	announced := endpoints.Endpoint{Addr: "192.0.2.1:80", Metadata: map[string]int{"weight": 3}}
	if err := services.AddEndpoint(ctx, "service/1", announced); err != nil {
		panic(err)
	}
	fmt.Println(must(services.List(ctx))["service/1"].Metadata)
	conn := states{told: make(chan resolver.State, 1)}
	builder := must(etcdresolver.NewBuilder(c))
	must(builder.Build(resolver.Target{URL: *must(url.Parse("etcd:///service"))}, conn, resolver.BuildOptions{}))
	address := (<-conn.told).Endpoints[0].Addresses[0]
	fmt.Println(address.Addr, address.Metadata, address.Attributes.Value("weight"))
}'

start 3.7.3
for version in 3.5.35 3.6.16 3.7.3; do
  program "go.etcd.io/etcd/client/v3@v$version" <<<"$source"
  expect "client $version: what is listed, and what gRPC is told" 'map[weight:3]; 192.0.2.1:80 <nil> <nil>' "$("$work/run" "${url#http://}" | paste -sd';' | sed 's/;/; /')"
done
stop
