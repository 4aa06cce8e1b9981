#!/usr/bin/env bash
# A barrier of etcd's recipes opens for those who wait when etcd is restarted, if what it
# had written when they came has been compacted, though it is held all the time.
#
# Version   go.etcd.io/etcd/client/v3 3.5.35, 3.6.16, 3.7.3 (experimental/recipes),
#           etcd 3.7.3
# Behaviour Hold, Wait by another; five puts of another key, a compaction, a restart of
#           the server: Wait returns, without an error, and the key of the barrier is there
# Seen      <nil>, held
#
# Any end of a watch is taken for the event that was waited for, and one that goes on
# at a compacted revision ends. Auto-compaction of an hour and an upgrade do the same.
# DoubleBarrier waits in the same way (read). Look for the key after Wait.
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

source='package main

import (
	"context"
	"fmt"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	recipe "go.etcd.io/etcd/client/v3/experimental/recipes"
	"go.uber.org/zap"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func main() {
	c := must(clientv3.New(clientv3.Config{Endpoints: []string{os.Args[1]}, Logger: zap.NewNop()}))
	waited := make(chan error, 1)
	go func() { waited <- recipe.NewBarrier(c, "barrier").Wait() }()
	select {
	case err := <-waited:
		held := "open"
		if must(c.Get(context.Background(), "barrier")).Count == 1 {
			held = "held"
		}
		fmt.Print(err, ", ", held)
	case <-time.After(time.Minute):
		fmt.Print("waits")
	}
}'

# member starts the server, for the first time or again.
member() {
  etcd --name m --data-dir "$work/etcd" --unsafe-no-fsync --listen-client-urls "$url" --advertise-client-urls "$url" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "m=$peer" >"$work/member.log" 2>&1 &
  pid=$!
  await etcdctl put started yes
}

watched() { [ "$(curl -s "$url/metrics" | grep -c '^etcd_debugging_mvcc_watcher_total 1$')" = 1 ]; }

install 3.7.3
url=http://127.0.0.1:$(port) peer=http://127.0.0.1:$(port)
export PATH="$cache/etcd-3.7.3:$PATH" ETCDCTL_ENDPOINTS=$url
member
etcdctl put barrier '' >"$work/put" # what Hold does
for version in 3.5.35 3.6.16 3.7.3; do
  program "go.etcd.io/etcd/client/v3@v$version" <<<"$source"
  "$work/run" "$url" >"$work/waited" &
  waiting=$!
  await watched
  for i in 1 2 3 4 5; do etcdctl put other "$i" >"$work/put"; done
  etcdctl compaction "$(etcdctl get other -w json | jq .header.revision)" >"$work/compaction"
  stop
  member
  wait "$waiting"
  expect "client $version: Wait, and the barrier" '<nil>, held' "$(cat "$work/waited")"
done
stop
