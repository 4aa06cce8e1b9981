#!/usr/bin/env bash
# Compacting to where the compaction already is fails, and that revision is still
# readable: a get at it works and a watch from it begins, one before it neither.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour second `compaction R`: exit 1; `get --rev R`: 0; `get --rev R-1`: 1;
#           `watch --rev R` delivers; `watch --rev R-1` ends with exit 5
# Seen      required revision has been compacted
#
# Two members' timers that compact to one revision: the second one reports a failure.
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

code() { local code=0; timeout 20 "$@" >"$work/out" 2>"$work/err" || code=$?; echo "$code"; }

for version in 3.5.35 3.6.16 3.7.3; do
  start "$version"
  for i in 1 2 3 4; do etcdctl put key "$i" >"$work/put"; done
  expect "$version: compaction 4" 0 "$(code etcdctl compaction 4)"
  expect "$version: compaction 4 again" 1 "$(code etcdctl compaction 4)"
  expect "$version: get at 4" 0 "$(code etcdctl get key --rev 4)"
  expect "$version: get at 3" 1 "$(code etcdctl get key --rev 3)"
  expect "$version: watch from 3" 5 "$(code etcdctl watch key --rev 3)"
  rm -f "$work/watched"
  etcdctl watch key --rev 4 >"$work/watched" 2>&1 &
  watch=$!
  await test -s "$work/watched"
  kill "$watch"; wait "$watch" 2>/dev/null || true
  expect "$version: first event of a watch from 4" PUT "$(head -1 "$work/watched")"
  stop
done
