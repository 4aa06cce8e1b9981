#!/usr/bin/env bash
# A watch with prev_kv from the revision that was compacted to gives its event without the
# value before, and no error.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour put k 1, put k 2, delete k; compaction of the revision of the second put, or
#           of the deletion: a watch --prev-kv from there prints that event and no value
#           before it. Before the compaction it prints both
# Seen      PUT k 2 without k 1; DELETE k without k 2
#
# An event without a previous value looks like the first one of its key. Kubernetes takes
# a deletion without one for an error. Begin again with a get after a restart that took long.
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

# events REVISION: what a watch of k from there prints until it is deleted.
events() {
  rm -f "$work/events"
  etcdctl watch k --rev "$1" --prev-kv >"$work/events" 2>&1 &
  local watch=$!
  await grep -q DELETE "$work/events"
  sleep 1
  kill $watch
  wait $watch 2>/dev/null || true
  tr '\n' ' ' <"$work/events"
}

revision() { etcdctl get k -w json | grep -o '"revision":[ 0-9]*' | grep -o '[0-9]*'; }

for version in 3.5.35 3.6.16 3.7.3; do
  start $version
  for value in 1 2; do etcdctl put k $value >"$work/put"; done
  second=$(revision)
  etcdctl del k >"$work/del"
  expect "$version: from the second put" 'PUT k 1 k 2 DELETE k 2 k  ' "$(events "$second")"
  etcdctl compaction "$second" >"$work/compaction"
  expect "$version: the same, compacted to it" 'PUT k 2 DELETE k 2 k  ' "$(events "$second")"
  etcdctl compaction $((second + 1)) >"$work/compaction"
  expect "$version: from the deletion, compacted to it" 'DELETE k  ' "$(events $((second + 1)))"
  stop
done
