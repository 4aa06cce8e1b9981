#!/usr/bin/env bash
# Whoever was elected by `etcdctl elect` and is killed leads on for a minute, and nothing
# can be set; `etcdctl lock` gives up after 10 s. `elect -l` never says that nobody leads.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour elect: a lease of 60 s, no --ttl; lock: of 10 s, and --ttl. A leader that ends
#           by SIGTERM resigns, and `elect -l` prints nothing
# Seen      granted with TTL(60s); granted with TTL(10s); one line of the leader that was
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

there() { [ -n "$(etcdctl get "$1" --prefix --keys-only)" ]; }
lease() { etcdctl get "$1" --prefix -w fields | sed -n 's/^"Lease" : //p'; }
granted() { etcdctl lease timetolive "$(printf %x "$(lease "$1")")" | sed 's/.*TTL(\([0-9]*s\)).*/\1/'; }
lines() { grep -c . "$work/listened" || true; }
one() { [ "$(lines)" = 2 ]; }

for version in 3.5.35 3.6.16 3.7.3; do
  start $version
  etcdctl elect killed me >"$work/elected" & holder=$!
  await there killed/
  etcdctl lock killed-lock sleep 60 >"$work/locked" & locker=$!
  await there killed-lock/
  kill -KILL $holder $locker
  { wait $holder $locker || true; } 2>"$work/killed"
  expect "$version: lease of an elected who was killed" 60s "$(granted killed/)"
  expect "$version: lease of a lock whose holder was killed" 10s "$(granted killed-lock/)"
  expect "$version: elect with --ttl" 'unknown flag: --ttl' "$(etcdctl elect --ttl 5 e me 2>&1 | grep -o 'unknown flag: --ttl' | head -1)"

  : >"$work/listened"
  etcdctl elect -l resigns >"$work/listened" & listener=$!
  etcdctl elect resigns me >"$work/elected" & holder=$!
  await one
  kill $holder && wait $holder
  sleep 2
  expect "$version: nobody leads" '' "$(etcdctl get resigns/ --prefix --keys-only)"
  expect "$version: lines of elect -l, key and value of the leader" 2 "$(lines)"
  kill $listener && wait $listener
  stop
done
