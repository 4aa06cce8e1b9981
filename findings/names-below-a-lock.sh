#!/usr/bin/env bash
# A lock or an election of etcd's takes every key below its name for somebody who waits
# before it: data, and locks with longer names.
#
# Version   etcd and go.etcd.io/etcd/client/v3 3.5.35, 3.6.16, 3.7.3
# Behaviour a key jobs/1: `etcdctl lock jobs` waits for as long as it is there; a lock a/b:
#           `lock a` waits for it, and `lock a/b` does not wait for a; `elect -l a` calls a
#           key below a/ the leader
# Seen      waits; waits; locked
#
# Lock names must not be the beginning of other keys, with a slash behind.
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

try() { # try NAME: whether it is to be had within three seconds
  timeout 3 etcdctl lock "$1" true >"$work/lock" 2>&1 && echo locked || echo waits
}
held() { [ -n "$(etcdctl get "$1" --prefix --keys-only)" ]; }

for version in 3.5.35 3.6.16 3.7.3; do
  start $version
  expect "$version: lock jobs" locked "$(try jobs)"
  etcdctl put jobs/1 x >"$work/put"
  expect "$version: lock jobs, and a key jobs/1" waits "$(try jobs)"
  etcdctl lock a/b sleep 60 >"$work/held" & holder=$!
  await held a/b/
  expect "$version: lock a, and a/b is held" waits "$(try a)"
  kill -KILL $holder && wait $holder 2>"$work/killed" || true
  etcdctl lock c sleep 60 >"$work/held" & holder=$!
  await held c/
  expect "$version: lock c/b, and c is held" locked "$(try c/b)"
  kill -KILL $holder && wait $holder 2>"$work/killed" || true
  etcdctl put e/settings x >"$work/put"
  expect "$version: who leads e" e/settings "$(timeout 3 etcdctl elect -l e | head -1 || true)"
  stop
done
