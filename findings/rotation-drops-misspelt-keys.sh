#!/usr/bin/env bash
# What etcd does not know of --log-rotation-config-json it drops without a word: logs that were to be
# kept twice are kept for ever.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour {"maxsize": 1, "max-backups": 2}: etcd starts, and says nothing of the second, which is maxbackups; the
#           others are maxage, localtime and compress. Without --enable-log-rotation all of it is dropped, a
#           text that is no JSON too. With it, text for a number ends etcd, and so does, by a crash, JSON
#           with none of these keys
# Seen      starts, starts, ends
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

# tell VERSION FLAG... says whether a member with these flags starts.
tell() {
  local version=$1
  shift
  install "$version"
  url=http://127.0.0.1:$(port)
  rm -rf "$work/data"
  "$cache/etcd-$version/etcd" --name m --data-dir "$work/data" --unsafe-no-fsync --log-outputs "$work/$version.txt" \
    --listen-client-urls "$url" --advertise-client-urls "$url" --listen-peer-urls "http://127.0.0.1:$(port)" "$@" >"$work/m.log" 2>&1 &
  pid=$!
  await over
  if ! serves; then
    wait $pid || true
    echo ends
    return
  fi
  stop
  if grep -E '"level":"(warn|error)".*(max-|rotat)' "$work/m.log" "$work/$version.txt"; then return; fi
  echo 'starts, and says nothing'
}
serves() { curl -sf -o "$work/health" "$url/health"; }
over() { serves || ! kill -0 "$pid"; }

for version in 3.5.35 3.6.16 3.7.3; do
  expect "$version: keys that it has not" 'starts, and says nothing' \
    "$(tell $version --enable-log-rotation --log-rotation-config-json '{"maxsize": 1, "max-backups": 2}')"
  expect "$version: no rotation, and no JSON" 'starts, and says nothing' "$(tell $version --log-rotation-config-json 'maxsize=1')"
  expect "$version: text for a number" ends "$(tell $version --enable-log-rotation --log-rotation-config-json '{"maxsize": "1"}')"
done
