#!/usr/bin/env bash
# A get with --keys-only says of 3.7 that no key has a lease, and of 3.5 and 3.6 which one it has.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour a key with a lease, asked for with keys only: 3.5 and 3.6 answer its lease, 3.7
#           answers 0, as of a key without one, by the gateway too, unless sorted by
#           value. Members of two releases in one cluster say two things
# Seen      lease lease none
#
# Who looks for keys that nothing ends, or whose lease is over soon, takes all for permanent.
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

lease() { grep -q '"lease":' && echo lease || echo none; } # lease: what the answer on standard input says
gateway() { curl -sS "$url/v3/kv/range" -d "{\"key\":\"$(printf k | base64)\"$1}"; }

seen=
for version in 3.5.35 3.6.16 3.7.3; do
  start $version
  id=$(etcdctl lease grant 600 | cut -d' ' -f2)
  etcdctl put k v --lease="$id" >"$work/put"
  expect "$version: the key with its value" lease "$(etcdctl get k -w json | lease)"
  keys=$(etcdctl get k --keys-only -w json | lease)
  expect "$version: the same by the gateway" "$keys" "$(gateway ',"keys_only":true' | lease)"
  expect "$version: the same in a prefix, sorted by its last change" "$keys" \
    "$(etcdctl get --prefix k --keys-only --sort-by MODIFY -w json | lease)"
  expect "$version: sorted by value" lease "$(etcdctl get --prefix k --keys-only --sort-by VALUE -w json | lease)"
  seen="$seen $keys"
  stop
done
expect 'keys only, of 3.5, 3.6 and 3.7' ' lease lease none' "$seen"
