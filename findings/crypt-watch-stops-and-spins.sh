#!/usr/bin/env bash
# The watch of crypt, by which viper follows its remote configuration in etcd, is silent for good after
# a compaction while etcd was out of reach, and takes a whole processor from then on.
#
# Version   github.com/sagikazarmark/crypt 0.31.0 (backend/etcd, ClientV3), etcd 3.7.3
# Behaviour a key put, then etcd out of reach, the key put again and compacted, etcd back: neither
#           that value nor any later one comes, no error comes, and the program is busy
#           as long as it lives. A deletion is not told either, but printed
# Seen      1; busy
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
	"fmt"
	"os"
	"time"

	"github.com/sagikazarmark/crypt/backend/etcd"
)

func main() {
	c, err := etcd.NewV3(os.Args[1:])
	if err != nil {
		panic(err)
	}
	go func() {
		for answer := range c.Watch("config", make(chan bool)) {
			fmt.Println("got", string(answer.Value), answer.Error)
		}
	}()
	time.Sleep(time.Hour)
}
'
program github.com/sagikazarmark/crypt@v0.31.0 <<<"$source"

# serve PORT serves the member's data there.
serve() {
  stop
  local at=http://127.0.0.1:$1
  etcd --name m --data-dir "$work/3.7.3.etcd" --unsafe-no-fsync --listen-client-urls "$at" --advertise-client-urls "$at" \
    --listen-peer-urls "http://127.0.0.1:$(port)" >>"$work/3.7.3.log" 2>&1 &
  pid=$!
  export ETCDCTL_ENDPOINTS=$at
  await etcdctl get config
}
put() { etcdctl put "$1" "$2" >"$work/put"; }
# ticks prints how much of a processor the program has had, in hundredths of a second.
ticks() { awk '{ print $14 + $15 }' "/proc/$run/stat"; }
rest() { # rest: whether it takes less than a fiftieth of a processor for ten seconds
  local before
  before=$(ticks)
  sleep 10
  if [ $(($(ticks) - before)) -lt 20 ]; then echo idle; else echo busy; fi
}

start 3.7.3
"$work/run" "$url" >"$work/got" & run=$!
written() { put config 1; grep -q 'got 1' "$work/got"; } # the watch begins at some moment
await written
expect 'at rest for 10 s' idle "$(rest)"
serve "$(port)"
put config 2
put another key
etcdctl compaction "$(etcdctl get config -w fields | awk '/"Revision"/ { print $3 }')" >"$work/compacted"
serve "$client"
sleep 10
put config 3
sleep 5
expect 'what came of 1, of 2 and a compaction out of reach, and of 3' 'got 1 <nil>' "$(sort -u "$work/got")"
expect 'for 10 s of that' busy "$(rest)"
stop
