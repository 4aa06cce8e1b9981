#!/usr/bin/env bash
# The ordering wrapper of etcd's client does not count one's own puts: a get after a put
# may be older than it, and no order violation is told.
#
# Version   go.etcd.io/etcd/client/v3 3.5.35, 3.6.16, 3.7.3 (ordering), etcd 3.7.3
# Behaviour put at one server, serializable get from one that has older data, as a
#           restored or a lagging one: the old value. A get in between, or a transaction
#           instead of the put, makes it a violation
# Seen      old; violation; violation
#
# Who takes it in order to read what he wrote gets no such thing.
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
  (cd "$work/program" && rm -f go.mod go.sum && go mod init finding && go get "$@" . && go build -o ../run .) >"$work/install" 2>&1 ||
    { cat "$work/install" >&2; exit 1; }
}

source='package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/ordering"
	"go.uber.org/zap"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var errOlder = errors.New("violation")

// client is one of the server at an address.
func client(at string) *clientv3.Client {
	return must(clientv3.New(clientv3.Config{Endpoints: []string{at}, Logger: zap.NewNop()}))
}

// moving is the client of one server first, and of another one later, as after a
// change of endpoints.
type moving struct{ clientv3.KV }

func main() {
	ctx, ahead, behind := context.Background(), client(os.Args[1]), client(os.Args[2])
	write := map[string]func(clientv3.KV){
		"put":     func(kv clientv3.KV) { must(kv.Put(ctx, "x", "new")) },
		"put+get": func(kv clientv3.KV) { must(kv.Put(ctx, "x", "new")); must(kv.Get(ctx, "x")) },
		"txn":     func(kv clientv3.KV) { must(kv.Txn(ctx).Then(clientv3.OpPut("x", "new")).Commit()) },
	}[os.Args[3]]
	at := &moving{ahead.KV}
	kv := ordering.NewKV(at, func(clientv3.Op, clientv3.OpResponse, int64) error { return errOlder })
	write(kv)
	at.KV = behind.KV
	answer, err := kv.Get(ctx, "x", clientv3.WithSerializable())
	if err != nil {
		fmt.Print(err)
		return
	}
	fmt.Print(string(answer.Kvs[0].Value))
}'

start 3.7.3
ahead=$client
etcdctl put x old >"$work/put"
etcdctl snapshot save "$work/snap.db" >"$work/save" 2>&1
for i in 1 2 3; do etcdctl put x new >"$work/put"; done

# behind serves what was saved. It is only asked, so that it stays behind.
client=$(port) peer=http://127.0.0.1:$(port)
etcdutl snapshot restore "$work/snap.db" --data-dir "$work/behind" --name m --initial-cluster "m=$peer" \
  --initial-advertise-peer-urls "$peer" >"$work/restore" 2>&1
etcd --name m --data-dir "$work/behind" --unsafe-no-fsync --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" \
  --initial-cluster "m=$peer" --listen-client-urls "http://127.0.0.1:$client" --advertise-client-urls "http://127.0.0.1:$client" \
  >"$work/behind.log" 2>&1 &
export ETCDCTL_ENDPOINTS=127.0.0.1:$client
await etcdctl get x

for version in 3.5.35 3.6.16 3.7.3; do
  program "go.etcd.io/etcd/client/v3@v$version" <<<"$source"
  expect "client $version: a put, then a get" old "$("$work/run" "127.0.0.1:$ahead" "127.0.0.1:$client" put)"
  expect "client $version: a put and a get, then a get" violation "$("$work/run" "127.0.0.1:$ahead" "127.0.0.1:$client" put+get)"
  expect "client $version: a put in a transaction, then a get" violation "$("$work/run" "127.0.0.1:$ahead" "127.0.0.1:$client" txn)"
done
kill $(jobs -p)
wait
