#!/usr/bin/env bash
# gubernator, which shares out rate limits among peers that it finds in etcd, stops looking for them
# when etcd has been without a leader for a moment, and says that its watch was shut down gracefully.
#
# Version   github.com/gubernator-io/gubernator/v2 2.13.0, etcd 3.7.3 (two members)
# Behaviour one of two members is frozen for four seconds: a pool of peers that saw another one
#           come before that sees none come after it. A pool that starts then sees all three.
#           Its watch asks for a leader, so that etcd cancels it, and "cancelled" it takes for its own end
# Seen      one two; one three two
#
# From then on its peers share out the same keys differently, and limits count in two places.
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
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/gubernator-io/gubernator/v2"
	"github.com/sirupsen/logrus"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// The peer of that name comes, and prints who is there whenever it is told.
func main() {
	update := func(peers []gubernator.PeerInfo) {
		var names []string
		for _, p := range peers {
			names = append(names, p.GRPCAddress)
		}
		sort.Strings(names)
		fmt.Println(strings.Join(names, " "))
	}
	must(gubernator.NewEtcdPool(gubernator.EtcdPoolConfig{
		Client:    must(clientv3.New(clientv3.Config{Endpoints: os.Args[2:], Logger: zap.NewNop()})),
		Advertise: gubernator.PeerInfo{GRPCAddress: os.Args[1]},
		Logger:    logrus.New(),
		OnUpdate:  update,
	}))
	select {}
}
'
program github.com/gubernator-io/gubernator/v2@v2.13.0 <<<"$source"

# member NAME CLIENT PEER starts a member of a cluster of two, which is without a leader soon.
member() {
  etcd --name "$1" --data-dir "$work/$1.etcd" --unsafe-no-fsync --heartbeat-interval 50 --election-timeout 500 \
    --listen-client-urls "http://127.0.0.1:$2" --advertise-client-urls "http://127.0.0.1:$2" \
    --listen-peer-urls "http://127.0.0.1:$3" --initial-advertise-peer-urls "http://127.0.0.1:$3" \
    --initial-cluster "$cluster" >"$work/$1.log" 2>&1 &
}

# peer NAME comes, and what it is told goes to $work/NAME.
peer() { "$work/run" "$1" "$url" >"$work/$1" 2>"$work/$1.log" & }
sees() { [ "$(tail -1 "$work/$1")" = "$2" ]; }

install 3.7.3
client=$(port) first=$(port) second=$(port)
cluster=a=http://127.0.0.1:$first,b=http://127.0.0.1:$second
url=http://127.0.0.1:$client
export PATH="$cache/etcd-3.7.3:$PATH" ETCDCTL_ENDPOINTS=$url
member a "$client" "$first"
member b "$(port)" "$second"
frozen=$!
await etcdctl put started yes
peer one
await sees one one
peer two
await sees one 'one two'
echo 'as stated: one sees two come'
kill -STOP "$frozen"
sleep 4
kill -CONT "$frozen"
await etcdctl put started again
peer three
await sees three 'one three two'
sleep 5
expect 'what one sees of three, which came after a moment without a leader' 'one two' "$(tail -1 "$work/one")"
expect 'what it says' 1 "$(grep -c 'graceful watch shutdown' "$work/one.log")"
