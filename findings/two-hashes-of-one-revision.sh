#!/usr/bin/env bash
# Of the revision of a compaction a member has two hashes: that of before, which it took
# while it compacted and keeps until it ends, and that of what is there.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour `endpoint hashkv --rev N` after `compact N` is that of before, with the
#           compaction before in compact_revision; without --rev, though N is the newest
#           revision, and after a restart, it is another one
# Seen      x of -1; without --rev y of N; after a restart y of N both ways
#
# Members of which one has been restarted since seem to hold different data, where
# nobody has written since: hashes are to be compared only of one compact_revision.
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

# start VERSION starts one member; its process is $pid. So does again, with its data.
start() {
  local version=$1
  install "$version"
  client=$(port) peer=$(port)
  url=http://127.0.0.1:$client
  again "$version"
  etcdctl put started yes >"$work/put"
}

again() {
  local version=$1
  export PATH="$cache/etcd-$version:$PATH" ETCDCTL_ENDPOINTS=$url
  "$cache/etcd-$version/etcd" --name m --data-dir "$work/$version.etcd" --unsafe-no-fsync \
    --listen-client-urls "$url" --advertise-client-urls "$url" \
    --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
    --initial-cluster "m=http://127.0.0.1:$peer" >"$work/$version.log" 2>&1 &
  pid=$!
  await etcdctl get started
}

stop() { kill "$pid"; wait "$pid" 2>/dev/null || true; }

hashed() { etcdctl endpoint hashkv "$@" -w json | jq -c '.[0].HashKV | [.hash, .compact_revision]'; }

same() { [ "$1" = "$2" ] && echo yes || echo no; }

for version in 3.5.35 3.6.16 3.7.3; do
  start "$version"
  for i in 1 2 3; do etcdctl put key "$i" >"$work/put"; done
  revision=$(etcdctl get key -w json | jq .header.revision)
  before=$(hashed --rev "$revision")
  etcdctl compact --physical "$revision" >"$work/compacted"
  now=$(hashed)
  expect "$version: at the revision of the compaction, the hash of before" "$before" "$(hashed --rev "$revision")"
  expect "$version: what is there has that hash" no "$(same "$before" "$now")"
  expect "$version: what is there, by compact_revision" "$revision" "$(jq '.[1]' <<<"$now")"
  stop
  again "$version"
  expect "$version: restarted, at that revision" "$now" "$(hashed --rev "$revision")"
  expect "$version: restarted, what is there" "$now" "$(hashed)"
  stop
done
