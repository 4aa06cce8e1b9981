#!/usr/bin/env bash
# `unlock` of etcd's lock service deletes the key that it is given, whatever it is, and says
# the same where there is none.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3 (v3lockpb.Unlock, /v3/lock/unlock)
# Behaviour the key of something else: 200, and it is gone; a key that is not there: 200
# Seen      200
#
# Given the lock's name instead of the key that `lock` answered, it unlocks nothing and
# takes what has that name.
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

unlock() { curl -s -o "$work/unlocked" -w '%{http_code}' "$url/v3/lock/unlock" -d "{\"key\":\"$(printf %s "$1" | base64)\"}"; }
keys() { etcdctl get "$1" --prefix --keys-only | grep -c . || true; }

for version in 3.5.35 3.6.16 3.7.3; do
  start $version
  etcdctl put settings x >"$work/put"
  curl -s "$url/v3/lock/lock" -d '{"name":"c2V0dGluZ3M="}' >"$work/lock"
  expect "$version: the key and a lock of its name" 2 "$(keys settings)"
  expect "$version: unlock with the name" 200 "$(unlock settings)"
  expect "$version: the lock" 1 "$(keys settings/)"
  expect "$version: the key" '' "$(etcdctl get settings)"
  expect "$version: unlock of what is not there" 200 "$(unlock nothing)"
  stop
done
