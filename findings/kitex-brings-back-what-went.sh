#!/usr/bin/env bash
# kitex's registry for etcd brings back a service that was deregistered when it has two, and gives one up
# for good that etcd could not be asked for some time.
#
# Version   github.com/kitex-contrib/registry-etcd 0.3.0, etcd 3.7.3
# Behaviour services one and two by one registry, two deregistered: what watches over one ends in
#           its place, and two is there again within the time of observation. Etcd frozen for
#           longer than five attempts, a minute and a half as it comes: the service is gone, though
#           etcd is back
# Seen      one two; nothing
#
# Calls go to a service that was taken away. Give each service a registry of its own, and attempts
# without an end (MaxAttemptTimes of 0).
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
	"net"
	"os"
	"strings"
	"time"

	"github.com/cloudwego/kitex/pkg/klog"
	"github.com/cloudwego/kitex/pkg/registry"
	etcd "github.com/kitex-contrib/registry-etcd"
	"github.com/kitex-contrib/registry-etcd/retry"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func service(name string) *registry.Info {
	return &registry.Info{ServiceName: name, Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8888}}
}

func main() {
	klog.SetOutput(os.Stderr)
	c := must(clientv3.New(clientv3.Config{Endpoints: os.Args[1:], Logger: zap.NewNop()}))
	show := func() {
		names := []string{}
		for _, kv := range must(c.Get(context.Background(), "kitex/", clientv3.WithPrefix())).Kvs {
			names = append(names, strings.Split(string(kv.Key), "/")[2])
		}
		fmt.Println(len(names), strings.Join(names, " "))
	}
	soon := retry.NewRetryConfig(retry.WithObserveDelay(2*time.Second), retry.WithRetryDelay(time.Second))
	r := must(etcd.NewEtcdRegistryWithRetry(os.Args[1:], soon))
	must(0, r.Register(service("one")))
	must(0, r.Register(service("two")))
	show()
	must(0, r.Deregister(service("two")))
	show()
	time.Sleep(5 * time.Second)
	show()
	time.Sleep(30 * time.Second)
	show()
}
'
program github.com/kitex-contrib/registry-etcd@v0.3.0 github.com/bytedance/sonic@v1.15.5 <<<"$source"

shown() { [ "$(wc -l <"$work/seen")" = 3 ]; }

start 3.7.3
KITEX_ETCD_REGISTRY_LEASE_TTL=3 "$work/run" "$url" >"$work/seen" 2>"$work/kitex.log" & run=$!
await shown
kill -STOP "$pid"
sleep 23 # five attempts of three seconds, one after the other
kill -CONT "$pid"
wait $run
expect 'two services, without two, five seconds later, and once etcd was away' '2 one two
1 one
2 one two
0 ' "$(cat "$work/seen")"
stop
