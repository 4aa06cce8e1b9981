#!/usr/bin/env bash
# After a change of leader, leases of which there are many have more time than they were
# granted: etcd spreads those that would end together, and they live that much longer.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour 5,000 leases of 60 s, the member restarted: some have more than 60 s left; of
#           500 leases none has
# Seen      remaining 66 s of 60
#
# A lock whose holder is gone, or a service, is there that much longer.
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
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// each calls f for the numbers below n, fifty at a time.
func each(n int, f func(int)) {
	var all sync.WaitGroup
	for first := 0; first < 50; first++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := first; i < n; i += 50 {
				f(i)
			}
		}()
	}
	all.Wait()
}

func main() {
	ctx, count := context.Background(), 0
	c := must(clientv3.New(clientv3.Config{Endpoints: []string{os.Args[1]}, Logger: zap.NewNop()}))
	fmt.Sscan(os.Args[3], &count)
	if os.Args[2] == "grant" {
		each(count, func(int) { must(c.Grant(ctx, 60)) })
		return
	}
	leases := must(c.Leases(ctx)).Leases
	longer, some := sync.Mutex{}, false
	each(len(leases), func(i int) {
		left := must(c.TimeToLive(ctx, leases[i].ID))
		longer.Lock()
		some = some || left.TTL > left.GrantedTTL
		longer.Unlock()
	})
	fmt.Println(len(leases), "longer:", some)
}'
program go.etcd.io/etcd/client/v3@v3.7.3 <<<"$source"

for version in 3.5.35 3.6.16 3.7.3; do
  for count in 500 5000; do
    start $version
    "$work/run" "$url" grant $count
    stop
    start $version
    expect "$version: $count leases of 60 s, more than 60 s left" "$count longer: $([ $count = 500 ] && echo false || echo true)" "$("$work/run" "$url" read $count)"
    stop
    rm -rf "$work/$version.etcd"
  done
done
