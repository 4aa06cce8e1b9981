#!/usr/bin/env bash
# `etcdctl lease keep-alive` ends with 0 once its lease is gone, which `--once` calls an error.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour the lease is revoked, or was never there: exit code 0; with --once: 2
# Seen      lease ... expired or revoked., 0
#
# What a script does after `||`, or a unit with Restart=on-failure, is never done.
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

kept() { [ -s "$work/kept" ]; }

for version in 3.5.35 3.6.16 3.7.3; do
  start $version
  lease=$(etcdctl lease grant 6 | cut -d' ' -f2)
  : >"$work/kept"
  etcdctl lease keep-alive "$lease" >"$work/kept" & keeper=$!
  await kept
  etcdctl lease revoke "$lease" >"$work/revoke"
  code=0; wait $keeper || code=$?
  expect "$version: keep-alive of a lease that is revoked" "0 lease $lease expired or revoked." "$code $(tail -1 "$work/kept")"
  code=0; etcdctl lease keep-alive "$lease" >"$work/kept" || code=$?
  expect "$version: keep-alive of a lease that is gone" 0 "$code"
  code=0; etcdctl lease keep-alive --once "$lease" >"$work/kept" 2>&1 || code=$?
  expect "$version: the same with --once" 2 "$code"
  stop
done
