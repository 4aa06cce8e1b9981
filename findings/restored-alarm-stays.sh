#!/usr/bin/env bash
# A restored member has the NOSPACE alarm of the member whose snapshot it is, and
# refuses every write, however small it is and however large its quota.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour filled to a quota of 16 MiB, compacted, saved, restored with a quota of
#           1 GiB: put fails until `alarm disarm`
# Seen      etcdserver: mvcc: database space exceeded
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

head -c 1000000 /dev/zero | tr '\0' x >"$work/value"
fill() { for i in $(seq 40); do etcdctl put big <"$work/value" || return 0; done; }
put() { etcdctl put small x 2>&1 | grep -oE '^OK|database space exceeded$' | tail -1; }

for version in 3.5.35 3.6.16 3.7.3; do
  start "$version" --quota-backend-bytes 16777216
  fill >"$work/out" 2>&1
  expect "$version: over its quota" 'database space exceeded' "$(put)"
  etcdctl compaction --physical "$(etcdctl get big --keys-only -w json | jq .header.revision)" >"$work/out"
  etcdctl defrag >"$work/out"
  etcdctl snapshot save "$work/snapshot" >"$work/out" 2>&1
  stop
  rm -rf "$work/$version.etcd"
  etcdutl snapshot restore "$work/snapshot" --data-dir "$work/$version.etcd" --name m \
    --initial-cluster m=http://127.0.0.1:1 --initial-advertise-peer-urls http://127.0.0.1:1 >"$work/out" 2>&1
  rm "$work/snapshot"
  client=$(port) url=http://127.0.0.1:$client
  ETCDCTL_ENDPOINTS=$url
  etcd --name m --data-dir "$work/$version.etcd" --quota-backend-bytes 1073741824 --listen-client-urls "$url" \
    --advertise-client-urls "$url" --listen-peer-urls "http://127.0.0.1:$(port)" >"$work/$version.log" 2>&1 &
  pid=$!
  await etcdctl get x
  expect "$version: restored, with a quota of 1 GiB" 'database space exceeded' "$(put)"
  etcdctl alarm disarm >"$work/out"
  expect "$version: disarmed" OK "$(put)"
  stop
done
