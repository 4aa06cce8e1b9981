#!/usr/bin/env bash
# valkeyrie's store for etcd deletes and lists what only begins like the folder it was given,
# writes "/a" where it does not read it, and never says that a key was modified.
#
# Version   github.com/kvtools/etcdv3 1.0.2, github.com/kvtools/valkeyrie 1.0.0, etcd 3.7.3
# Behaviour DeleteTree("app") deletes apple, and List("app") has it; Put("/a"), Get("/a"): not
#           found; AtomicDelete of what was changed: not found; WatchTree: all keys at first,
#           then those that changed only; Watch of a key that is deleted: an empty value
# Seen      gone; Key not found in store; Key not found in store
#
# End the names of folders with a slash.
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
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/kvtools/etcdv3"
	"github.com/kvtools/valkeyrie/store"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := must(etcdv3.New(ctx, os.Args[1:], &etcdv3.Config{}))
	put := func(key, value string) {
		if err := s.Put(ctx, key, []byte(value), nil); err != nil {
			panic(err)
		}
	}
	there := func(key string) bool { return must(s.Exists(ctx, key, nil)) }

	put("/a", "x")
	fmt.Println("slash:", there("/a"))

	put("app/1", "x")
	put("apple", "x")
	fmt.Println("listed:", len(must(s.List(ctx, "app", nil))))
	if err := s.DeleteTree(ctx, "app"); err != nil {
		panic(err)
	}
	fmt.Println("apple:", there("apple"))

	put("k", "1")
	before := must(s.Get(ctx, "k", nil))
	put("k", "2")
	_, err := s.AtomicDelete(ctx, "k", before)
	fmt.Println("modified:", errors.Is(err, store.ErrKeyModified), "not found:", errors.Is(err, store.ErrKeyNotFound))

	for _, key := range []string{"t/1", "t/2", "t/3"} {
		put(key, "x")
	}
	tree := must(s.WatchTree(ctx, "t/", nil))
	first := len(<-tree)
	put("t/2", "y")
	fmt.Println("tree:", first, len(<-tree))

	watch := must(s.Watch(ctx, "t/1", nil))
	<-watch
	time.Sleep(time.Second) // it watches from some moment after its first answer on
	go func() { put("t/1", ""); s.Delete(ctx, "t/1") }()
	empty, deleted := <-watch, <-watch
	fmt.Printf("put: %q deleted: %q\n", empty.Value, deleted.Value)
}'
program github.com/kvtools/etcdv3@v1.0.2 <<<"$source"

start 3.7.3
"$work/run" "${url#http://}" >"$work/seen"
expect 'what it says' 'slash: false
listed: 2
apple: false
modified: false not found: true
tree: 3 1
put: "" deleted: ""' "$(cat "$work/seen")"
stop
