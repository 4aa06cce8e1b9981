#!/usr/bin/env bash
# A restored snapshot brings back locks that were released since, and their holders' sessions keep them
# alive without knowing it: nobody else gets them, for as long as these programs live.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3 (etcdutl snapshot restore), go.etcd.io/etcd/client/v3 3.7.3
# Behaviour a session of 20 s has a lock while the snapshot is taken, and releases it; the
#           snapshot is restored within its time: the key is back, with the session's
#           lease; half a minute later another one still waits
# Seen      job/; context deadline exceeded
#
# So it is with who leads. A higher revision (--bump-revision) does not help. Restart
# what has sessions after a restore, or revoke the leases of before.
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
	"os/signal"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"go.uber.org/zap"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// hold has the lock until it gets a signal, and its session for as long as it lives.
func hold(ctx context.Context, c *clientv3.Client) {
	released := make(chan os.Signal, 1)
	signal.Notify(released, syscall.SIGUSR1)
	session := must(concurrency.NewSession(c, concurrency.WithTTL(20)))
	lock := concurrency.NewMutex(session, "job")
	fmt.Println("locked", lock.Lock(ctx))
	<-released
	fmt.Println("released", lock.Unlock(ctx))
	<-session.Done()
	fmt.Println("over")
}

func main() {
	ctx := context.Background()
	c := must(clientv3.New(clientv3.Config{Endpoints: os.Args[2:], Logger: zap.NewNop()}))
	if os.Args[1] == "hold" {
		hold(ctx, c)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	fmt.Println(concurrency.NewMutex(must(concurrency.NewSession(c)), "job").Lock(ctx))
}
'
program go.etcd.io/etcd/client/v3@v3.7.3 <<<"$source"

for version in 3.5.35 3.6.16 3.7.3; do
  start $version
  : >"$work/said"
  "$work/run" hold "$url" >"$work/said" & holder=$!
  await grep -q locked "$work/said"
  etcdctl snapshot save "$work/$version.db" >"$work/saved" 2>&1
  kill -USR1 $holder
  await grep -q released "$work/said"
  stop
  peers=http://127.0.0.1:$peer higher=
  [ $version = 3.5.35 ] || higher='--bump-revision 1000000 --mark-compacted'
  # shellcheck disable=SC2086
  etcdutl snapshot restore "$work/$version.db" --data-dir "$work/$version.restored" --name m --initial-cluster "m=$peers" \
    --initial-advertise-peer-urls "$peers" $higher >"$work/restored" 2>&1
  etcd --name m --data-dir "$work/$version.restored" --unsafe-no-fsync --listen-client-urls "$url" --advertise-client-urls "$url" \
    --listen-peer-urls "$peers" >"$work/$version.log" 2>&1 &
  pid=$!
  await etcdctl put restored yes
  expect "$version: who wants the lock that was released before it was restored" 'context deadline exceeded' "$("$work/run" want "$url")"
  expect "$version: what its holder knows" 'locked <nil> released <nil>' "$(paste -sd' ' "$work/said")"
  kill -KILL $holder
  wait $holder 2>"$work/killed" || true
  stop
done
