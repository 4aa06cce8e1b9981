#!/usr/bin/env bash
# What `etcd grpc-proxy` answers to serializable gets is old even after changes through
# itself: by a revoked lease, one that is over, or a transaction inside a transaction.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour read once, then changed through the same proxy: put and del are seen, those three
#           are not until somebody reads linearizably
# Seen      the value that was
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

# proxy NAME FLAG... puts a grpc-proxy before the member: its endpoint is $NAME.
proxy() {
  local name=$1 at
  shift
  at=127.0.0.1:$(port)
  (unset ETCDCTL_ENDPOINTS; exec etcd grpc-proxy start --endpoints "${url#http://}" --listen-addr "$at" --advertise-client-url "$at" "$@") >"$work/$name.log" 2>&1 &
  proxies="${proxies:-} $!"
  printf -v "$name" %s "$at"
  await curl -sf "http://$at/health"
}
stopproxies() { kill $proxies; wait $proxies 2>/dev/null || true; proxies=; }

# through ENDPOINT WORD... is etcdctl there.
through() { local ETCDCTL_ENDPOINTS=$1; export ETCDCTL_ENDPOINTS; shift; etcdctl "$@"; }

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
	"os"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// It puts nested=new by a transaction inside a transaction.
func main() {
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{os.Args[1]}})
	if err != nil {
		panic(err)
	}
	inner := clientv3.OpTxn(nil, []clientv3.Op{clientv3.OpPut("nested", "new")}, nil)
	if _, err := c.Txn(context.Background()).Then(inner).Commit(); err != nil {
		panic(err)
	}
}'
program go.etcd.io/etcd/client/v3@v3.7.3 <<<"$source"

seen() { through "$front" get "$1" --consistency s --print-value-only; }
gone() { [ -z "$(etcdctl get "$1")" ]; }

for version in 3.5.35 3.6.16 3.7.3; do
  start $version
  proxy front
  lease=$(through "$front" lease grant 600 | cut -d' ' -f2) short=$(through "$front" lease grant 8 | cut -d' ' -f2)
  { through "$front" put plain old && through "$front" put nested old; } >"$work/put"
  { through "$front" put leased old --lease "$lease" && through "$front" put brief old --lease "$short"; } >"$work/put"
  for key in plain nested leased brief; do expect "$version: $key" old "$(seen $key)"; done

  through "$front" put plain new >"$work/put"
  expect "$version: after a put" new "$(seen plain)"
  "$work/run" "$front"
  expect "$version: after a transaction inside a transaction" old "$(seen nested)"
  through "$front" lease revoke "$lease" >"$work/revoke"
  expect "$version: after its lease was revoked" old "$(seen leased)"
  await gone brief
  expect "$version: after its lease was over" old "$(seen brief)"
  expect "$version: at the member" 'new  ' "$(for key in nested leased brief; do echo "$(etcdctl get $key --print-value-only)"; done | paste -sd' ')"
  stopproxies
  stop
done
