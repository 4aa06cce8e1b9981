#!/usr/bin/env bash
# While one of three members is cut off from the others, up to every second request of a Go client with all three as
# endpoints waits seven seconds there, for as long as that lasts; with WithRequireLeader every third put fails.
#
# Version   etcd 3.7.3 and its Go client
# Behaviour the client goes round the members that it is connected to, whether they have a leader or not. A put or a get at
#           the one without waits for its time-out, and then goes on at another, a put too. With WithRequireLeader
#           a get goes on at once, and a put is refused: etcdserver: no leader, though two members would take it
# Seen      of twelve each: 4 to 6 puts and gets after 7 s; 4 puts refused, all gets at once
#
# Needs root, for network namespaces of its own.
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
	"sort"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// try does twelve requests one after the other, and says what became of them.
func try(what string, do func(context.Context, *clientv3.Client) error) string {
	c, err := clientv3.New(clientv3.Config{Endpoints: os.Args[1:], Logger: zap.NewNop()})
	if err != nil {
		panic(err)
	}
	for range 30 { // it has its connections
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		c.Get(ctx, "k", clientv3.WithSerializable())
		cancel()
	}
	seen := map[string]int{}
	for range 12 {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		begun, how := time.Now(), "at once"
		if err := do(ctx, c); err != nil {
			how = err.Error()
		} else if time.Since(begun) > 4*time.Second {
			how = "later"
		}
		seen[how]++
		cancel()
	}
	var all []string
	if n := seen["later"]; n >= 4 && n <= 6 { // each has two turns, so that the next ones shift
		return what + ": 4 to 6 later, the others at once"
	}
	for how, n := range seen {
		all = append(all, fmt.Sprintf("%d %s", n, how))
	}
	sort.Strings(all)
	return what + ": " + strings.Join(all, ", ")
}

func main() {
	put := func(ctx context.Context, c *clientv3.Client) error {
		_, err := c.Put(ctx, "k", "")
		return err
	}
	get := func(ctx context.Context, c *clientv3.Client) error {
		_, err := c.Get(ctx, "k")
		return err
	}
	led := func(do func(context.Context, *clientv3.Client) error) func(context.Context, *clientv3.Client) error {
		return func(ctx context.Context, c *clientv3.Client) error { return do(clientv3.WithRequireLeader(ctx), c) }
	}
	var all sync.WaitGroup
	said := make([]string, 4)
	all.Go(func() { said[0] = try("puts", put) })
	all.Go(func() { said[1] = try("gets", get) })
	all.Go(func() { said[2] = try("puts that require a leader", led(put)) })
	all.Go(func() { said[3] = try("gets that require a leader", led(get)) })
	all.Wait()
	fmt.Println(strings.Join(said, "\n"))
}
'
program go.etcd.io/etcd/client/v3@v3.7.3 <<<"$source"

# Two network namespaces with two wires between them: 10.9.0.0/24 for clients, 10.9.1.0/24 for peers.
unshare -n sleep 300 & here=$!
unshare -n sleep 300 & away=$!
apart() { [ "$(readlink "/proc/$here/ns/net")" != "$(readlink /proc/self/ns/net)" ] && [ "$(readlink "/proc/$away/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
await apart
here() { nsenter -t $here -n "$@"; }
away() { nsenter -t $away -n "$@"; }
for wire in 0 1; do
  here ip link add w$wire type veth peer name w$wire netns $away
  here ip address add 10.9.$wire.1/24 dev w$wire
  away ip address add 10.9.$wire.2/24 dev w$wire
  here ip link set w$wire up
  away ip link set w$wire up
done
here ip link set lo up
away ip link set lo up

install 3.7.3
export PATH="$cache/etcd-3.7.3:$PATH"
cluster=a=http://10.9.1.1:3001,b=http://10.9.1.1:3002,c=http://10.9.1.2:3003
member() { # member NAME ADDRESS NUMBER
  exec etcd --name "$1" --data-dir "$work/$1" --unsafe-no-fsync --listen-client-urls "http://10.9.0.$2:400$3" \
    --advertise-client-urls "http://10.9.0.$2:400$3" --listen-peer-urls "http://10.9.1.$2:300$3" \
    --initial-advertise-peer-urls "http://10.9.1.$2:300$3" --initial-cluster $cluster >"$work/$1.log" 2>&1
}
export -f member
export work cluster
here bash -c 'member a 1 1' &
here bash -c 'member b 1 2' &
away bash -c 'member c 2 3' &
await here etcdctl --endpoints 10.9.0.1:4001 put k ''
await here etcdctl --endpoints 10.9.0.2:4003 get k
here ip link set w1 down
led() { here etcdctl --endpoints 10.9.0.1:4001,10.9.0.1:4002 endpoint health; }
alone() { ! here etcdctl --endpoints 10.9.0.2:4003 get k --command-timeout 1s; }
await alone
await led
sleep 5
expect 'twelve of each, of three members one cut off' 'puts: 4 to 6 later, the others at once
gets: 4 to 6 later, the others at once
puts that require a leader: 4 etcdserver: no leader, 8 at once
gets that require a leader: 12 at once' "$(here "$work/run" http://10.9.0.1:4001 http://10.9.0.1:4002 http://10.9.0.2:4003)"
