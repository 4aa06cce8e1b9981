#!/usr/bin/env bash
# A member that is told to speak AES with 256 bits only, as a hardening guide says, ends once it would
# serve clients: HTTP/2 wants a suite with 128 bits, too.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour --cipher-suites of TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, with or without ChaCha20: the
#           flag is taken, the member elects a leader, and ends with 1. With TLS_ECDHE_ECDSA_WITH_
#           AES_128_GCM_SHA256 beside it, or no such flag, it serves
# Seen      ends with 1 missing an HTTP/2-required AES_128_GCM_SHA256 cipher; serves
#
# Nobody notices before a restart. The suites are those of TLS 1.2 only: TLS 1.3 has its own.
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

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=etcd -addext subjectAltName=IP:127.0.0.1 \
  -keyout "$work/key.pem" -out "$work/cert.pem" 2>"$work/openssl.log"

# tell VERSION FLAG... says whether a member with these flags serves clients, or how it ends.
tell() {
  local ended=0 version=$1
  install "$version"
  url=https://127.0.0.1:$(port)
  rm -rf "$work/data"
  "$cache/etcd-$version/etcd" --name m --data-dir "$work/data" --unsafe-no-fsync --cert-file "$work/cert.pem" --key-file "$work/key.pem" \
    --listen-client-urls "$url" --advertise-client-urls "$url" --listen-peer-urls "http://127.0.0.1:$(port)" "${@:2}" >"$work/m.log" 2>&1 &
  pid=$!
  await over
  if serves; then
    echo serves
    stop
    return
  fi
  wait $pid || ended=$?
  echo "ends with $ended$(grep -q 'elected leader' "$work/m.log" && echo ', after a leader was elected')$(grep -o -m1 ' missing an HTTP/2-required [A-Z0-9_]*' "$work/m.log")"
}
serves() { curl -sf -o "$work/health" --cacert "$work/cert.pem" "$url/health"; }
over() { serves || ! kill -0 "$pid"; }

strong=TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
for version in 3.5.35 3.6.16 3.7.3; do
  expect "$version: 256 bits" 'ends with 1, after a leader was elected missing an HTTP/2-required AES_128_GCM_SHA256' "$(tell $version --cipher-suites $strong)"
  expect "$version: and ChaCha20" 'ends with 1, after a leader was elected missing an HTTP/2-required AES_128_GCM_SHA256' \
    "$(tell $version --cipher-suites $strong,TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256)"
  expect "$version: and 128 bits" serves "$(tell $version --cipher-suites $strong,TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)"
done
