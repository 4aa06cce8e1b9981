#!/usr/bin/env bash
# --max-txn-ops is a limit of comparisons, too: a software transaction (STM) that only
# reads 129 keys is refused as too many operations.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3, go.etcd.io/etcd/client/v3 3.7.3 (concurrency)
# Behaviour with the default of 128: one key written, 127 read: commits; 128 read: is
#           refused under the default isolation, which compares what was written as well;
#           129 read: under each that compares; under ReadCommitted it commits
# Seen      etcdserver: too many operations in txn request
#
# A transaction works until there are so many things to add up. Etcd's page calls it the
# number of operations. Exits 1 once this is no longer so.
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

program go.etcd.io/etcd/client/v3@v3.7.3 <<'EOF'
package main

import (
	"fmt"
	"os"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"go.uber.org/zap"
)

// main prints for each isolation, strictest first, whether a transaction commits.
func main() {
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{os.Args[1]}, Logger: zap.NewNop()})
	if err != nil {
		panic(err)
	}
	var keys int
	fmt.Sscan(os.Args[2], &keys)
	for _, isolation := range []concurrency.Isolation{
		concurrency.SerializableSnapshot, concurrency.Serializable, concurrency.RepeatableReads, concurrency.ReadCommitted,
	} {
		_, err := concurrency.NewSTM(c, func(s concurrency.STM) error {
			for i := range keys {
				s.Get(fmt.Sprint("key", i))
			}
			s.Put("sum", "1")
			return nil
		}, concurrency.WithIsolation(isolation))
		switch {
		case err == nil:
			fmt.Print("commits ")
		case err.Error() == "etcdserver: too many operations in txn request":
			fmt.Print("refused ")
		default:
			fmt.Print(err)
		}
	}
}
EOF

for version in 3.5.35 3.6.16 3.7.3; do
  start "$version"
  expect "$version: 127 keys" 'commits commits commits commits ' "$("$work/run" "${url#http://}" 127)"
  expect "$version: 128 keys" 'refused commits commits commits ' "$("$work/run" "${url#http://}" 128)"
  expect "$version: 129 keys" 'refused refused refused commits ' "$("$work/run" "${url#http://}" 129)"
  stop
done
