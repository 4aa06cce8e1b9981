#!/usr/bin/env bash
# Lists, durations and gates are each written in a way of their own in etcd's
# --config-file, and none is written as its neighbour, or as the flag.
#
# Version   etcd 3.6.16, 3.7.3; 3.5.35 but for feature gates
# Behaviour listen-client-urls: text with commas, no list; log-outputs: a list, no text;
#           auto-compaction-retention: text, no number; max-request-bytes: a number, no text;
#           grpc-keepalive-timeout: nanoseconds, no text; feature-gates: text, no map
# Seen      json: cannot unmarshal ... into Go struct field ...
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

# starts KEY VALUE: whether etcd starts with that line in its file
starts() {
  printf 'name: m\ndata-dir: %s\nunsafe-no-fsync: true\n' "$work/$version.etcd" >"$work/file"
  printf 'advertise-client-urls: http://127.0.0.1:1\nlisten-peer-urls: http://127.0.0.1:%s\n' "$(port)" >>"$work/file"
  [ "$1" = listen-client-urls ] || echo "listen-client-urls: http://127.0.0.1:$(port)" >>"$work/file"
  echo "$1: $2" >>"$work/file"
  : >"$work/log"
  "$cache/etcd-$version/etcd" --config-file "$work/file" >>"$work/log" 2>&1 &
  local tries
  for ((tries = 0; tries < 200; tries++)); do
    if grep -q 'ready to serve client requests' "$work/log"; then echo yes; break; fi
    if grep -q 'cannot unmarshal' "$work/log"; then echo no; break; fi
    sleep 0.1
  done
  kill $! 2>/dev/null || true
  wait $! 2>/dev/null || true
  rm -rf "$work/$version.etcd"
}

for version in 3.5.35 3.6.16 3.7.3; do
  install $version
  urls=(http://127.0.0.1:"$(port)" http://127.0.0.1:"$(port)")
  expect "$version: URLs with a comma, as a list" 'yes no' \
    "$(starts listen-client-urls "${urls[0]},${urls[1]}") $(starts listen-client-urls "[${urls[0]}, ${urls[1]}]")"
  expect "$version: log-outputs as a list, as text" 'yes no' "$(starts log-outputs '[stderr]') $(starts log-outputs stderr)"
  expect "$version: retention as text, as a number" 'yes no' "$(starts auto-compaction-retention '"5"') $(starts auto-compaction-retention 5)"
  expect "$version: bytes as a number, as text" 'yes no' "$(starts max-request-bytes 2000000) $(starts max-request-bytes '"2000000"')"
  expect "$version: a duration in nanoseconds, as text" 'yes no' "$(starts grpc-keepalive-timeout 20000000000) $(starts grpc-keepalive-timeout 20s)"
  [ $version = 3.5.35 ] ||
    expect "$version: gates as text, as a map" 'yes no' "$(starts feature-gates LeaseCheckpoint=true) $(starts feature-gates '{LeaseCheckpoint: true}')"
done
