#!/usr/bin/env bash
# The queue of etcd's client takes, and deletes, every key that begins with its name, and
# the priority queue writes outside its name and leaves it there.
#
# Version   go.etcd.io/etcd/client/v3 3.5.35, 3.6.16, 3.7.3 (experimental/recipes), etcd 3.7.3
# Behaviour an empty queue "job": Dequeue returns what was put into the queue "jobs", then
#           the value of a key "job-settings", which is gone. A user who may do all below
#           queue/ enqueues into queue "queue" and not into priority queue "queue", whose
#           Enqueue writes __queue/00005 as well; that stays once the queue is empty
# Seen      of jobs, settings; permission denied; __queue/00005
#
# Names of queues that begin alike lose each other's entries, and more. End them with
# a character that no other key has. Exits 1 once this is no longer so.
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
  local version=$1 peer
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

	clientv3 "go.etcd.io/etcd/client/v3"
	recipe "go.etcd.io/etcd/client/v3/experimental/recipes"
	"go.uber.org/zap"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func main() {
	c := must(clientv3.New(clientv3.Config{Endpoints: []string{os.Args[1]}, Username: os.Args[2], Password: os.Args[3], Logger: zap.NewNop()}))
	switch what := os.Args[4]; what {
	case "neighbours":
		if err := recipe.NewQueue(c, "jobs").Enqueue("of jobs"); err != nil {
			panic(err)
		}
		must(c.Put(context.Background(), "job-settings", "settings"))
		job := recipe.NewQueue(c, "job")
		fmt.Print(must(job.Dequeue()), ", ", must(job.Dequeue()))
	case "enqueue":
		fmt.Print(recipe.NewQueue(c, "queue").Enqueue("x"))
	case "prioritize":
		fmt.Print(recipe.NewPriorityQueue(c, "queue").Enqueue("x", 5))
	case "dequeue":
		fmt.Print(must(recipe.NewPriorityQueue(c, "queue").Dequeue()))
	}
}'

run() { "$work/run" "${url#http://}" "$@"; }
users() {
  etcdctl user add root:r && etcdctl user grant-role root root
  etcdctl user add user:u && etcdctl role add below && etcdctl role grant-permission below readwrite queue/ --prefix
  etcdctl user grant-role user below && etcdctl auth enable
}

start 3.7.3 --bcrypt-cost 4
users >"$work/users" 2>&1
export ETCDCTL_USER=root:r
for version in 3.5.35 3.6.16 3.7.3; do
  program "go.etcd.io/etcd/client/v3@v$version" <<<"$source"
  expect "client $version: out of job" 'of jobs, settings' "$(run root r neighbours)"
  expect "client $version: what is left of jobs and settings" '' "$(etcdctl get job --prefix)"
  expect "client $version: into the queue" '<nil>' "$(run user u enqueue)"
  expect "client $version: into the priority queue" 'etcdserver: permission denied' "$(run user u prioritize)"
  etcdctl del queue --prefix >"$work/del"
  expect "client $version: by root" '<nil>' "$(run root r prioritize)"
  expect "client $version: out of it" x "$(run root r dequeue)"
  expect "client $version: what is left" __queue/00005 "$(etcdctl get '' --prefix --keys-only | grep queue)"
  etcdctl del __queue --prefix >"$work/del"
done
stop
