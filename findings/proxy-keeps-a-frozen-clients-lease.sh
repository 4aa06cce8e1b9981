#!/usr/bin/env bash
# Through `etcd grpc-proxy` the lease of a client that is frozen, or whose machine is, lives
# twice as long as it was granted for.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour 6 s, kept alive, the client stopped: gone after 6 s or less, through the proxy
#           after 9 s or more, as it keeps the lease alive itself until its own time is over
# Seen      6 s; 11 s
#
# A lock, or a service that is registered, is another's that much later.
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

# proxy NAME FLAG... puts a grpc-proxy before the member: its endpoint is $NAME.
proxy() {
  local name=$1 at
  shift
  at=127.0.0.1:$(port)
  (unset ETCDCTL_ENDPOINTS; exec etcd grpc-proxy start --endpoints "${url#http://}" --listen-addr "$at" --advertise-client-url "$at" "$@") >"$work/$name.log" 2>&1 &
  proxies="${proxies:-} $!"
  printf -v "$name" %s "$at"
  await curl -sf "http://$at/health"
}
stopproxies() { kill $proxies; wait $proxies 2>/dev/null || true; proxies=; }

# through ENDPOINT WORD... is etcdctl there.
through() { local ETCDCTL_ENDPOINTS=$1; export ETCDCTL_ENDPOINTS; shift; etcdctl "$@"; }

gone() { etcdctl lease timetolive "$1" | grep -q already; }
frozen() { # frozen ENDPOINT: how long its lease lives on, in seconds
  local ETCDCTL_ENDPOINTS=$url lease keeper
  export ETCDCTL_ENDPOINTS
  lease=$(etcdctl lease grant 6 | cut -d' ' -f2)
  ETCDCTL_ENDPOINTS=$1 etcdctl lease keep-alive "$lease" >/dev/null & keeper=$!
  sleep 5
  kill -STOP $keeper
  SECONDS=0
  await gone "$lease"
  echo $SECONDS
  kill -KILL $keeper
  wait $keeper 2>/dev/null || true
}

for version in 3.5.35 3.6.16 3.7.3; do
  start $version
  proxy front
  frozen "$url" >"$work/direct" & measured=$!
  through=$(frozen "$front")
  wait $measured
  direct=$(cat "$work/direct")
  expect "$version: gone within 8 s" yes "$([ "$direct" -le 8 ] && echo yes || echo "$direct")"
  expect "$version: through the proxy after 9 s or more" yes "$([ "$through" -ge 9 ] && echo yes || echo "$through")"
  stopproxies
  stop
done
