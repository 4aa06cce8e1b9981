#!/usr/bin/env bash
# A client port without TLS takes all HTTP/2 for gRPC: /health asked by HTTP/2 is refused,
# as are metrics and versions, which by HTTP/1.1 and by HTTP/2 over TLS are there.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3, curl 7.88 (Debian 12)
# Behaviour http, HTTP/1.1: 200; http, HTTP/2 with prior knowledge: 415; https, HTTP/2: 200
# Seen      200; 415; 200
#
# A proxy that was told to speak HTTP/2 to etcd, as gRPC needs, cannot ask for its health there.
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

code() { curl -s -k -m 10 -o "$work/body" -w '%{http_code} by %{http_version}' "$@"; }

for version in 3.5.35 3.6.16 3.7.3; do
  start $version
  for path in health metrics version; do
    expect "$version: /$path" '200 by 1.1' "$(code "$url/$path")"
    expect "$version: /$path by HTTP/2" '415 by 2' "$(code --http2-prior-knowledge "$url/$path")"
  done
  stop
  rm -rf "$work/$version.etcd"
  tls=https://127.0.0.1:$(port)
  "$cache/etcd-$version/etcd" --data-dir "$work/tls.etcd" --unsafe-no-fsync --auto-tls --listen-client-urls "$tls" --advertise-client-urls "$tls" \
    --listen-peer-urls "http://127.0.0.1:$(port)" >"$work/tls.log" 2>&1 &
  pid=$!
  await curl -sfk "$tls/health"
  expect "$version: /health over TLS" '200 by 2' "$(code "$tls/health")"
  stop
  rm -rf "$work/tls.etcd"
done
