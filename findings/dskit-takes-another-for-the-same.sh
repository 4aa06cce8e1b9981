#!/usr/bin/env bash
# The compare-and-swap of grafana's dskit, which Loki, Mimir and Tempo keep their rings with, takes
# a key that was deleted and made anew for the one that it read; its watch loses changes,
# and asks without a pause where it may not.
#
# Version   github.com/grafana/dskit 0.0.0-20260703122047-de1ec7541c44 (kv/etcd), etcd 3.7.3
# Behaviour CAS compares how often a key was put: after a delete and as many puts by
#           another it writes over what it never read, without an error. A key that went
#           after one conflict is "failed to CAS", ten times asked. WatchKey after a
#           compaction while etcd was out of reach goes on from now: a change since is
#           not seen. Without the permission it asks again at once, without the back-off that it has
# Seen      1 and mine; failed to CAS ring; saw 1, saw 3; over 20 times in 5 s
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
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/grafana/dskit/kv/codec"
	"github.com/grafana/dskit/kv/etcd"
	clientv3 "go.etcd.io/etcd/client/v3"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var errors atomic.Int64

func open(user string) *etcd.Client {
	cfg := etcd.Config{Endpoints: os.Args[2:], DialTimeout: 2 * time.Second, MaxRetries: 10, UserName: user}
	if user != "" {
		must(0, cfg.Password.Set("secret"))
	}
	return must(etcd.New(cfg, codec.String{}, log.LoggerFunc(func(...interface{}) error { errors.Add(1); return nil })))
}

// swap has others change the key between each reading and its writing.
func swap(ctx context.Context, others *clientv3.Client) {
	store, times := open(""), 0
	put := func(value string) { must(others.Put(ctx, "ring", value)) }
	put("1")
	err := store.CAS(ctx, "ring", func(in interface{}) (interface{}, bool, error) {
		if times++; times == 1 {
			must(others.Delete(ctx, "ring"))
			put("of another")
		}
		return in.(string) + " and mine", true, nil
	})
	fmt.Println(times, err, must(store.Get(ctx, "ring")))

	times = 0
	err = store.CAS(ctx, "ring", func(interface{}) (interface{}, bool, error) {
		if times++; times == 1 {
			put("changed")
		} else if times == 2 {
			must(others.Delete(ctx, "ring"))
		}
		return "mine", true, nil
	})
	fmt.Println(times, err, must(store.Get(ctx, "ring")))
}

// refused watches what it may not.
func refused(ctx context.Context, root *clientv3.Client) {
	must(root.RoleAdd(ctx, "nothing"))
	for _, user := range []string{"root", "u"} {
		must(root.UserAdd(ctx, user, "secret"))
	}
	must(root.UserGrantRole(ctx, "root", "root"))
	must(root.UserGrantRole(ctx, "u", "nothing"))
	must(root.AuthEnable(ctx))
	store := open("u")
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	store.WatchKey(ctx, "ring", func(interface{}) bool { return true })
	if n := errors.Load(); n > 20 {
		fmt.Println("over 20 times")
	} else {
		fmt.Println(n, "times")
	}
}

func main() {
	ctx := context.Background()
	switch c := must(clientv3.New(clientv3.Config{Endpoints: os.Args[2:]})); os.Args[1] {
	case "swap":
		swap(ctx, c)
	case "refused":
		refused(ctx, c)
	case "watch":
		open("").WatchKey(ctx, "ring", func(v interface{}) bool { fmt.Println("saw", v); return true })
	}
}'
program github.com/grafana/dskit@v0.0.0-20260703122047-de1ec7541c44 <<<"$source"

# serve PORT serves the member's data there.
serve() {
  stop
  local at=http://127.0.0.1:$1
  etcd --name m --data-dir "$work/3.7.3.etcd" --unsafe-no-fsync --listen-client-urls "$at" --advertise-client-urls "$at" \
    --listen-peer-urls "http://127.0.0.1:$(port)" --bcrypt-cost 4 >>"$work/3.7.3.log" 2>&1 &
  pid=$!
  export ETCDCTL_ENDPOINTS=$at
  await etcdctl get ring
}
put() { etcdctl put "$1" "$2" >"$work/put"; }

start 3.7.3 --bcrypt-cost 4
expect 'a key that was deleted and made anew between reading and writing' '1 <nil> 1 and mine' "$("$work/run" swap "$url" >"$work/swap"; head -1 "$work/swap")"
expect 'one that was changed, and then deleted' '10 failed to CAS ring <nil>' "$(tail -1 "$work/swap")"

"$work/run" watch "$url" >"$work/saw" &
written() { put ring 1; grep -q 'saw 1' "$work/saw"; } # the watch begins at some moment
await written
serve "$(port)"
put ring 2
put another key
etcdctl compaction "$(etcdctl get ring -w fields | awk '/"Revision"/ { print $3 }')" >"$work/compacted"
serve "$client"
again() { put ring 3; grep -q 'saw 3' "$work/saw"; }
await again
expect '1, then 2 and a compaction while etcd was elsewhere, then 3' 'saw 1 saw 3' "$(sort -u "$work/saw" | paste -sd' ')"

expect 'asked in 5 s without the permission' 'over 20 times' "$("$work/run" refused "$url")"
stop
