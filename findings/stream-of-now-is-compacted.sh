#!/usr/bin/env bash
# A range stream of etcd 3.7 that asks for what is there now can end with "compacted" when
# half of it has arrived. A plain get of the present never does.
#
# Version   go.etcd.io/etcd/client/v3 3.7.3, etcd 3.7.3, 3.6.16
# Behaviour GetStream of a prefix of 60 MB, read slowly; another key is put and etcd is
#           compacted to that: the stream ends with an error after a part. A get that is
#           answered at that time has all. GetStream knows 3.7 only, and falls back to
#           nothing at 3.6, nor through a grpc-proxy of 3.7
# Seen      compacted, after less than 60 keys; Unimplemented, Unimplemented
#
# The revision of the first keys is kept for all others. Begin anew on this error, and use
# nothing of it before its end.
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

start 3.7.3
program go.etcd.io/etcd/client/v3@v3.7.3 <<'END'
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func main() {
	ctx := context.Background()
	c := must(clientv3.New(clientv3.Config{Endpoints: []string{os.Args[1]}, Logger: zap.NewNop()}))
	const keys = 60
	for i := range keys {
		must(c.Put(ctx, fmt.Sprintf("big/%03d", i), strings.Repeat("v", 1<<20)))
	}
	stream := must(c.GetStream(ctx, "big/", clientv3.WithPrefix()))
	seen := len((<-stream).Kvs)
	time.Sleep(time.Second) // a reader that has something else to do

	must(c.Compact(ctx, must(c.Put(ctx, "other", "")).Header.Revision))
	for r := range stream {
		if errors.Is(r.Err(), rpctypes.ErrCompacted) {
			fmt.Print("compacted, ", seen > 0 && seen < keys, ", ")
			break
		} else if r.Err() != nil {
			panic(r.Err())
		}
		seen += len(r.Kvs)
	}
	fmt.Print(must(c.Get(ctx, "big/", clientv3.WithPrefix())).Count)
}
END
expect 'a stream of the present, a part had arrived, a get' 'compacted, true, 60' "$("$work/run" "$url")"

refusal() { env -u ETCDCTL_ENDPOINTS "$cache/etcd-3.7.3/etcdctl" --endpoints "$1" get --stream started 2>&1 | grep -o 'code = [A-Za-z]*' | tail -1 || true; }
expect 'the same by etcdctl' 'yes' "$(etcdctl get --stream started --print-value-only)"
proxy=127.0.0.1:$(port)
etcd grpc-proxy start --endpoints "$url" --listen-addr "$proxy" --advertise-client-url "$proxy" >"$work/proxy.log" 2>&1 &
pid=$!
await env -u ETCDCTL_ENDPOINTS etcdctl --endpoints "$proxy" get started
expect 'through a grpc-proxy' 'code = Unimplemented' "$(refusal "$proxy")"
stop
start 3.6.16
expect 'of 3.6' 'code = Unimplemented' "$(refusal "$url")"
