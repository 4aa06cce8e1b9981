#!/usr/bin/env bash
# With the feature gate that has a member serve no clients while it is defragmented, clients go on
# asking that member and wait: it only says so by gRPC's health service, which they do not look at.
#
# Version   etcd 3.7.3 (three members, StopGRPCServiceOnDefrag=true) and its Go client
# Behaviour the Go client with three endpoints, one of which is defragmented: a put takes as long as that.
#           The same with grpc.WithDefaultServiceConfig and a healthCheckConfig, as etcd's resolver has
#           a configuration of its own. Only with grpc.WithDisableServiceConfig beside it, and gRPC's
#           health package linked, it asks the others
# Seen      waits, waits, goes on
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
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/health"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func open(options ...grpc.DialOption) *clientv3.Client {
	return must(clientv3.New(clientv3.Config{Endpoints: os.Args[1:], Logger: zap.NewNop(), DialOptions: options}))
}

// fill makes the databases large enough for a defragmentation of seconds.
func fill(ctx context.Context) {
	c := open()
	for i := range 3000 {
		var ops []clientv3.Op
		for j := range 120 {
			ops = append(ops, clientv3.OpPut(fmt.Sprintf("%d-%d", i, j), strings.Repeat("x", 100)))
		}
		must(c.Txn(ctx).Then(ops...).Commit())
	}
}

// asked says whether a put of a client waits for the defragmentation of the first member.
func asked(ctx context.Context, options ...grpc.DialOption) string {
	c, longest := open(options...), time.Duration(0)
	for range 30 {
		must(c.Put(ctx, "k", "")) // it has its connections
	}
	var took time.Duration
	done := make(chan bool)
	go func() {
		begun := time.Now()
		must(open().Defragment(ctx, os.Args[1]))
		took = time.Since(begun)
		close(done)
	}()
	time.Sleep(200 * time.Millisecond) // what is under way then waits in any case
	for {
		select {
		case <-done:
			if longest > took/2 {
				return "waits"
			}
			return "goes on"
		default:
			begun := time.Now()
			must(c.Put(ctx, "k", ""))
			longest = max(longest, time.Since(begun))
		}
	}
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	fill(ctx)
	health := grpc.WithDefaultServiceConfig("{\"loadBalancingConfig\":[{\"round_robin\":{}}],\"healthCheckConfig\":{\"serviceName\":\"\"}}")
	fmt.Println(asked(ctx), asked(ctx, health), asked(ctx, health, grpc.WithDisableServiceConfig()))
}
'
program go.etcd.io/etcd/client/v3@v3.7.3 <<<"$source"

# three VERSION starts three members; their URLs are $urls, their processes $pids.
three() {
  local cluster='' i ports=()
  install "$1"
  export PATH="$cache/etcd-$1:$PATH"
  pids=() urls=()
  for i in 0 1 2; do
    ports+=("$(port)")
    urls+=("http://127.0.0.1:$(port)")
    cluster+=${cluster:+,}m$i=http://127.0.0.1:${ports[i]}
  done
  for i in 0 1 2; do
    etcd --name m$i --data-dir "$work/$1.$i" --unsafe-no-fsync --listen-client-urls "${urls[i]}" --advertise-client-urls "${urls[i]}" \
      --listen-peer-urls "http://127.0.0.1:${ports[i]}" --initial-advertise-peer-urls "http://127.0.0.1:${ports[i]}" \
      --initial-cluster "$cluster" --feature-gates StopGRPCServiceOnDefrag=true >"$work/$1.$i.log" 2>&1 &
    pids+=($!)
  done
  await env ETCDCTL_ENDPOINTS="${urls[2]}" etcdctl put started yes
}

three 3.7.3
expect 'as it is, with a health check, and without the configuration of etcd' 'waits waits goes on' "$("$work/run" "${urls[@]}")"
kill "${pids[@]}"
wait "${pids[@]}" 2>/dev/null || true
