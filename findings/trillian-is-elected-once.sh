#!/usr/bin/env bash
# An instance of Trillian whose lease in etcd is over, as after a minute without etcd, goes on as master, and is
# never elected again, until its process is started anew.
#
# Version   Trillian 1.8.0 (util/election2/etcd), etcd 3.7.3
# Behaviour the lease of the master's session is revoked, and nobody else campaigns: its context of mastership is not
#           cancelled. Await: requested lease not found, each time, as the session is made once
# Seen      still master; requested lease not found; nobody elected
#
# A signer that ends its mastership with an error and asks again asks for ever.
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
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/google/trillian/util/election2"
	"github.com/google/trillian/util/election2/etcd"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := must(clientv3.New(clientv3.Config{Endpoints: os.Args[1:], Logger: zap.NewNop()}))
	flag.String("etcd_servers", os.Args[1], "")
	flag.Set("lock_file_path", "/locks")
	e := must(must(election2.NewProvider(etcd.ElectionName)).NewElection(ctx, "log"))
	if err := e.Await(ctx); err != nil {
		panic(err)
	}
	master := must(e.WithMastership(ctx))
	kv := must(c.Get(ctx, "/locks/log", clientv3.WithPrefix())).Kvs[0]
	must(c.Revoke(ctx, clientv3.LeaseID(kv.Lease)))
	select {
	case <-master.Done():
		fmt.Println("cancelled")
	case <-time.After(25 * time.Second): // its session has noticed by then
		fmt.Println("still master")
	}
	fmt.Println(e.Await(ctx))
	fmt.Println(e.Await(ctx))
	fmt.Println(must(c.Get(ctx, "/locks/log", clientv3.WithPrefix())).Count, "elected")
}
'
program github.com/google/trillian/util/election2/etcd@v1.8.0 <<<"$source"

start 3.7.3
expect 'the mastership after its lease, electing twice more, and who leads' 'still master
etcdserver: requested lease not found
etcdserver: requested lease not found
0 elected' "$("$work/run" "$url" 2>"$work/trillian")"
stop
