#!/usr/bin/env bash
# A member whose write-ahead log is gone, as its disk was not mounted, does not end: it makes a new log, elects
# itself, and takes no writes, until that log is as long as the old one.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour --wal-dir is empty, the data folder as it was: the member elects a leader. Its entries have numbers that
#           the database counts as done, so that none takes effect: a put times out. 3.6 and 3.7 answer nobody, and say
#           again and again that they failed to publish the member; 3.5 answers gets. Each entry
#           is one less to wait for: one with little data serves one day
# Seen      3.5: gets, no puts; 3.6, 3.7: neither
#
# Nothing of the data is lost: with its log back it serves.
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

# member VERSION starts the member, its log in a folder of its own.
member() {
  "$cache/etcd-$1/etcd" --name m --data-dir "$work/$1.etcd" --wal-dir "$work/$1.wal" --unsafe-no-fsync \
    --listen-client-urls "$url" --advertise-client-urls "$url" \
    --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
    --initial-cluster "m=http://127.0.0.1:$peer" >"$work/$1.log" 2>&1 &
  pid=$!
}
answers() { timeout 5 etcdctl "$@" >"$work/answer" 2>&1 && echo yes || echo no; }

for version in 3.5.35 3.6.16 3.7.3; do
  install $version
  client=$(port) peer=$(port)
  url=http://127.0.0.1:$client
  export PATH="$cache/etcd-$version:$PATH" ETCDCTL_ENDPOINTS=$url
  member $version
  for i in {1..100}; do await etcdctl put "k$i" v; done
  stop
  mv "$work/$version.wal" "$work/$version.away"
  mkdir -m 700 "$work/$version.wal"
  member $version
  await grep 'elected leader' "$work/$version.log"
  sleep 10
  expect "$version: without its log: runs, answers a get, answers a put" "yes $([ $version = 3.5.35 ] && echo yes || echo no) no" \
    "$(kill -0 $pid && echo yes) $(answers get k1) $(answers put new v)"
  stop
  rm -r "$work/$version.wal"
  mv "$work/$version.away" "$work/$version.wal"
  member $version
  await etcdctl get k1
  expect "$version: with its log again" 100 "$(etcdctl get --prefix k --keys-only | grep -c k)"
  stop
done
