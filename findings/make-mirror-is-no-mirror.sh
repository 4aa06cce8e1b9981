#!/usr/bin/env bash
# `etcdctl make-mirror` deletes nothing that is only at the target, drops leases, and
# writes every key again each time that it starts.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour a key of the target stays; a key with a lease arrives with none and so
#           never expires there by itself; after a second start every version is 2
# Seen      stale still there, lease 0, version 2
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

mirror() { # mirror KEY: until the key arrived with a new version
  local before=$1
  ETCDCTL_ENDPOINTS=$source etcdctl make-mirror --no-dest-prefix "${target#http://}" >"$work/mirror" 2>&1 &
  local running=$!
  await eval "[ \"\$(field last version)\" -gt $before ]"
  kill "$running"; wait "$running" 2>/dev/null || true
}
field() { ETCDCTL_ENDPOINTS=$target etcdctl get "$1" -w json | jq "(.kvs[0].$2)? // 0"; }

for version in 3.5.35 3.6.16 3.7.3; do
  start "$version"
  source=$url
  mv "$work/$version.log" "$work/source.log"
  first=$pid
  mv "$work/$version.etcd" "$work/source.etcd"
  start "$version"
  target=$url
  ETCDCTL_ENDPOINTS=$target etcdctl put stale x >"$work/put"
  lease=$(ETCDCTL_ENDPOINTS=$source etcdctl lease grant 600 | cut -d' ' -f2)
  ETCDCTL_ENDPOINTS=$source etcdctl put leased x --lease "$lease" >"$work/put"
  ETCDCTL_ENDPOINTS=$source etcdctl put last x >"$work/put"
  mirror 0
  expect "$version: version of a key that only the target has" 1 "$(field stale version)"
  expect "$version: lease of the key with a lease" 0 "$(field leased lease)"
  mirror 1
  expect "$version: version of a key after the second start" 2 "$(field last version)"
  stop
  kill "$first"; wait "$first" 2>/dev/null || true
  rm -rf "$work/source.etcd"
done
