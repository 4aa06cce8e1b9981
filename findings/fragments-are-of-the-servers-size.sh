#!/usr/bin/env bash
# A watch with fragments is cut to the size of the server's largest request, and not to what
# the client takes: the client's watch ends where it asks for the past.
#
# Version   etcd and go.etcd.io/etcd/client/v3 3.5.35, 3.6.16, 3.7.3
# Behaviour twelve revisions of 0.5 MB, a client that takes 4 MiB, which gRPC's default is:
#           ResourceExhausted; WithFragment: all; with --max-request-bytes of 10 MiB:
#           ResourceExhausted with WithFragment as well
# Seen      ResourceExhausted; 12 events
#
# etcd's own client takes 2 GiB unless told; those of other languages take gRPC's default.
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
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc/status"
)

func main() {
	ctx := context.Background()
	client := func() *clientv3.Client {
		c, err := clientv3.New(clientv3.Config{Endpoints: []string{os.Args[1]}, Logger: zap.NewNop(), MaxCallRecvMsgSize: 4 << 20})
		if err != nil {
			panic(err)
		}
		return c
	}
	c := client()
	first := int64(0)
	for i := 0; i < 12; i++ {
		put, err := c.Put(ctx, "k", strings.Repeat("x", 500000))
		if err != nil {
			panic(err)
		}
		if i == 0 {
			first = put.Header.Revision
		}
	}
	events := func(opts ...clientv3.OpOption) string {
		count := 0
		for answer := range client().Watch(ctx, "k", append(opts, clientv3.WithRev(first))...) {
			if err := answer.Err(); err != nil {
				return status.Code(err).String()
			}
			if count += len(answer.Events); count == 12 {
				break
			}
		}
		return fmt.Sprint(count)
	}
	fmt.Print(events(), " ", events(clientv3.WithFragment()))
}'

for version in 3.5.35 3.6.16 3.7.3; do
  program "go.etcd.io/etcd/client/v3@v$version" <<<"$source"
  start $version
  expect "$version: a watch, and one with fragments" 'ResourceExhausted 12' "$("$work/run" "$url")"
  stop
  start $version --max-request-bytes 10485760
  expect "$version: the same of a server with --max-request-bytes" 'ResourceExhausted ResourceExhausted' "$("$work/run" "$url")"
  stop
done
