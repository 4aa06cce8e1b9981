#!/usr/bin/env bash
# Two writers of lnd's database on etcd both find a bucket empty, and both put their key into it, where
# bbolt lets in one writer at a time: a range that was read counts by the keys that were in it.
#
# Version   lnd/kvdb 1.4.10, etcd 3.7.3
# Behaviour two Updates of one process at once, each of which puts a key if ForEach finds none: both commit, and
#           neither is run again
# Seen      2 keys, 2 runs
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
	"sync/atomic"

	"github.com/btcsuite/btcwallet/walletdb"
	"github.com/lightningnetwork/lnd/kvdb"
	"github.com/lightningnetwork/lnd/kvdb/etcd"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// keys counts those of a bucket.
func keys(b walletdb.ReadBucket) int {
	n := 0
	check(b.ForEach(func(_, _ []byte) error { n++; return nil }))
	return n
}

func main() {
	db := must(kvdb.Open(kvdb.EtcdBackendName, context.Background(), &etcd.Config{Host: os.Args[1], Namespace: "n", DisableTLS: true}))
	name, runs := []byte("bucket"), atomic.Int32{}
	check(db.Update(func(tx walletdb.ReadWriteTx) error {
		_, err := tx.CreateTopLevelBucket(name)
		return err
	}, func() {}))
	var looked, done sync.WaitGroup
	looked.Add(2)
	for _, writer := range []string{"one", "two"} {
		var once sync.Once
		done.Go(func() {
			check(db.Update(func(tx walletdb.ReadWriteTx) error {
				runs.Add(1)
				b := tx.ReadWriteBucket(name)
				found := keys(b)
				once.Do(func() { looked.Done(); looked.Wait() }) // both have looked before either commits
				if found > 0 {
					return nil
				}
				return b.Put([]byte(writer), []byte("1"))
			}, func() {}))
		})
	}
	done.Wait()
	n := 0
	check(db.View(func(tx walletdb.ReadTx) error { n = keys(tx.ReadBucket(name)); return nil }, func() {}))
	fmt.Println(n, "keys,", runs.Load(), "runs")
}
'
export GOFLAGS="${GOFLAGS:-} -tags=kvdb_etcd"
program github.com/lightningnetwork/lnd/kvdb@v1.4.10 <<<"$source"

start 3.7.3 --max-txn-ops 16384
expect 'two writers, each of which puts its key if there is none' '2 keys, 2 runs' "$("$work/run" "$url")"
stop
