#!/usr/bin/env bash
# A Go client with RejectOldCluster connects only if every endpoint that it was given answers, and
# so does a service of go-zero: with one member down it does not start.
#
# Version   go.etcd.io/etcd/client/v3 3.5.35, 3.6.16, 3.7.3, github.com/zeromicro/go-zero 1.10.3
#           (core/discov), etcd 3.7.3
# Behaviour two endpoints, one with nobody there: the client without RejectOldCluster reads; with
#           it New is an error after DialTimeout. go-zero sets it: neither is anything
#           registered nor subscribed to
# Seen      <nil>; context deadline exceeded
#
# Services restarted while one member is down stay down with it.
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

reading='package main

import (
	"context"
	"fmt"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

func get(reject bool) error {
	c, err := clientv3.New(clientv3.Config{
		Endpoints: os.Args[1:], DialTimeout: 3 * time.Second, Logger: zap.NewNop(), RejectOldCluster: reject,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_, err = c.Get(ctx, "k")
	return err
}

func main() { fmt.Println(get(false), "-", get(true)) }
'
serving='package main

import (
	"fmt"
	"os"

	"github.com/zeromicro/go-zero/core/discov"
	"github.com/zeromicro/go-zero/core/logx"
)

func main() {
	logx.Disable()
	err := discov.NewPublisher(os.Args[1:], "service", "192.0.2.1:80").KeepAlive()
	_, err2 := discov.NewSubscriber(os.Args[1:], "service")
	fmt.Println(err, "-", err2)
}
'

start 3.7.3
nobody=http://127.0.0.1:$(port)
for version in 3.5.35 3.6.16 3.7.3; do
  program "go.etcd.io/etcd/client/v3@v$version" <<<"$reading"
  expect "client $version: both endpoints answer" '<nil> - <nil>' "$("$work/run" "$url" "$url")"
  expect "client $version: one does" '<nil> - context deadline exceeded' "$("$work/run" "$nobody" "$url")"
done
program github.com/zeromicro/go-zero@v1.10.3 <<<"$serving"
expect 'go-zero: both endpoints answer' '<nil> - <nil>' "$("$work/run" "$url")"
expect 'go-zero: one does' 'context deadline exceeded - context deadline exceeded' "$("$work/run" "$nobody" "$url" 2>"$work/warnings")"
stop
