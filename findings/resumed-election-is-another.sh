#!/usr/bin/env bash
# An election that is resumed is not the one that was left: it leaves out the slash after
# the name, so that it sees the leaders of elections with longer names, and whoever
# campaigns by it is elected beside the others.
#
# Version   go.etcd.io/etcd/client/v3 3.5.35, 3.6.16, 3.7.3 (concurrency), etcd 3.7.3
# Behaviour of ResumeElection(s, "job", key, revision) the leader is that of "jobs", if
#           that one is older; Campaign after a Resign puts the key job<lease> instead of
#           job/<lease>, and NewElection(s, "job") elects another at the same time
# Seen      leader: the other's; another one elected; with "job/" as the name all is well
#
# Give it the name with the slash.
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
  (cd "$work/program"
   export CGO_ENABLED=0
   rm -f go.mod go.sum
   go mod init finding
   go get "$@" .
   go build -trimpath -o ../run .) >"$work/install" 2>&1 || { cat "$work/install" >&2; exit 1; }
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

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	ctx := context.Background()
	c := must(clientv3.New(clientv3.Config{Endpoints: []string{os.Args[1]}, Logger: zap.NewNop()}))
	mine, theirs := must(concurrency.NewSession(c)), must(concurrency.NewSession(c))
	defer mine.Close()
	defer theirs.Close()

	check(concurrency.NewElection(theirs, "jobs").Campaign(ctx, "theirs"))
	first := concurrency.NewElection(mine, "job")
	check(first.Campaign(ctx, "mine"))

	resumed := concurrency.ResumeElection(mine, os.Args[2], first.Key(), first.Rev())
	fmt.Printf("%s, ", must(resumed.Leader(ctx)).Kvs[0].Value)
	check(resumed.Resign(ctx))
	must(c.Delete(ctx, "jobs/", clientv3.WithPrefix()))
	check(resumed.Campaign(ctx, "mine"))

	within, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	fmt.Print(concurrency.NewElection(theirs, "job").Campaign(within, "theirs"))
}'

start 3.7.3
for version in 3.5.35 3.6.16 3.7.3; do
  program "go.etcd.io/etcd/client/v3@v$version" <<<"$source"
  expect "client $version: resumed as job: its leader, and another elected" 'theirs, <nil>' "$("$work/run" "$url" job)"
  expect "client $version: resumed as job/: its leader, and another elected" 'mine, context deadline exceeded' "$("$work/run" "$url" job/)"
done
stop
