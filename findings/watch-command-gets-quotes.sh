#!/usr/bin/env bash
# The command that etcdctl watch runs gets keys and values as Go writes them, in quotes
# and with escapes, and the watch ends with the first command that fails.
#
# Version   etcdctl 3.5.35, 3.6.16, 3.7.3, etcd 3.7.3
# Behaviour etcdctl watch k -- COMMAND: $ETCD_WATCH_VALUE of bar is "bar", with the quotes,
#           and a line end is \n; $ETCD_WATCH_EVENT_TYPE is quoted too; after a command
#           that ends with 1 the watch ends with 1, and what comes then is not seen
# Seen      "bar"; "two\nlines"; "PUT"; 1
#
# Help and page show it without quotes. Read the value anew with etcdctl get, and end the
# command with || true.
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

watched() { [ "$(curl -s "$url/metrics" | grep -c '^etcd_debugging_mvcc_watcher_total 1$')" = 1 ]; }

start 3.7.3
for version in 3.5.35 3.6.16 3.7.3; do
  install $version
  "$cache/etcd-$version/etcdctl" watch k -- sh -c 'printf "%s %s;" "$ETCD_WATCH_EVENT_TYPE" "$ETCD_WATCH_VALUE" >>"$0"; [ "$ETCD_WATCH_VALUE" != "\"bad\"" ]' "$work/seen" >"$work/watch.log" 2>&1 &
  watch=$!
  await watched
  for value in bar $'two\nlines' bad after; do etcdctl put k "$value" >"$work/put"; done
  code=0
  wait $watch || code=$?
  expect "$version: what the command sees" '"PUT" "bar";"PUT" "two\nlines";"PUT" "bad";' "$(cat "$work/seen")"
  expect "$version: the watch after a command that failed" 1 "$code"
  rm "$work/seen"
done
stop
