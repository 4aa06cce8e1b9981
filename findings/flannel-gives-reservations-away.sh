#!/usr/bin/env bash
# flannel takes a subnet that was reserved for a host from it, a day after it is gone: its start makes a
# lease of the reservation. And of two hosts that come at once one may get none.
#
# Version   flannel 0.28.10, etcd 3.7.3
# Behaviour a reservation is a subnet's key without a lease, as flannel's page says. The host with that
#           address starts: the key has a lease of 24 h, as a key without one is taken for one whose time is over.
#           20 hosts at once with 31 subnets to choose from: where two pick the same one, one of
#           them ends with "subnet already exists", and its ten tries are not made
# Seen      no lease; a lease of 86400s; some without a subnet
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
	"sync"

	"github.com/flannel-io/flannel/pkg/ip"
	"github.com/flannel-io/flannel/pkg/lease"
	"github.com/flannel-io/flannel/pkg/subnet/etcd"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// come has a host of that address ask for a subnet, as flanneld does when it starts.
func come(ctx context.Context, address string) (*lease.Lease, error) {
	m := must(etcd.NewLocalManager(ctx, &etcd.EtcdConfig{Endpoints: os.Args[2:], Prefix: "/coreos.com/network"}, ip.IP4Net{}, ip.IP6Net{}, 60))
	return m.AcquireLease(ctx, &lease.LeaseAttrs{PublicIP: must(ip.ParseIP4(address)), BackendType: "host-gw"})
}

func main() {
	ctx := context.Background()
	if os.Args[1] == "one" {
		fmt.Println(must(come(ctx, "192.0.2.1")).Subnet)
		return
	}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if _, err := come(ctx, fmt.Sprintf("192.0.2.%d", i+10)); err != nil {
				fmt.Println(err)
			}
		})
	}
	all.Wait()
}
'
program github.com/flannel-io/flannel/pkg/subnet/etcd@v0.28.10 <<<"$source"

# leased prints the lease of the reserved subnet.
leased() {
  local lease
  lease=$(etcdctl get "$reserved" -w fields | awk '/"Lease"/ { print $3 }')
  if [ "$lease" = 0 ]; then echo none; else etcdctl lease timetolive "$(printf %x "$lease")" | grep -o 'TTL([0-9]*s)'; fi
}

start 3.7.3
reserved=/coreos.com/network/subnets/10.5.7.0-24
etcdctl put /coreos.com/network/config '{"Network":"10.5.0.0/19"}' >"$work/put"
etcdctl put "$reserved" '{"PublicIP":"192.0.2.1","BackendType":"host-gw"}' >"$work/put"
expect 'the lease of a reservation' none "$(leased)"
expect 'what its host gets' 10.5.7.0/24 "$("$work/run" one "$url" 2>"$work/flannel")"
expect 'the lease of the reservation after that' 'TTL(86400s)' "$(leased)"
for round in 1 2 3 4 5; do # which one is picked is left to chance
  etcdctl del --prefix /coreos.com/network/subnets >"$work/del"
  "$work/run" many "$url" >"$work/many" 2>"$work/flannel"
  [ ! -s "$work/many" ] || break
done
expect "what a host is told that came at once with others, in round $round" 'subnet already exists' "$(sort -u "$work/many")"
stop
