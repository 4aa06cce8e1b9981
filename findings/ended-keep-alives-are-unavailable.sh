#!/usr/bin/env bash
# A lease that its client stops keeping alive counts as a failed request of etcd 3.5 and 3.6, Unavailable, which is what a
# member without a leader says; 3.7 calls it Canceled, as all call a watch that its client ends.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour `lease keep-alive` and `watch`, each ended by Ctrl-C: codes of LeaseKeepAlive and Watch in
#           grpc_server_handled_total
# Seen      Unavailable, Canceled; Canceled, Canceled
#
# The alert for failed requests that etcd's mixin has counts Unavailable, and so every program with a lock
# or a session that ends.
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

for version in 3.5.35 3.6.16 3.7.3; do
  start $version
  lease=$(etcdctl lease grant 60 | awk '{print $2}')
  timeout -s INT 2 etcdctl lease keep-alive "$lease" >/dev/null || true
  timeout -s INT 2 etcdctl watch k >/dev/null || true
  codes() { # codes METHOD
    curl -s "$url/metrics" | sed -n "s/^grpc_server_handled_total{grpc_code=\"\([A-Za-z]*\)\",grpc_method=\"$1\",.* [1-9][0-9]*$/\1/p"
  }
  counted() { [ -n "$(codes LeaseKeepAlive)" ] && [ -n "$(codes Watch)" ]; }
  await counted
  case $version in 3.7.*) want=Canceled ;; *) want=Unavailable ;; esac
  expect "$version: a lease that was kept alive, and a watch" "$want, Canceled" "$(codes LeaseKeepAlive), $(codes Watch)"
  stop
done
