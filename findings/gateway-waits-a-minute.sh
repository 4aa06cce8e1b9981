#!/usr/bin/env bash
# `etcd gateway` that once found a member away does not try it again for up to a minute, even
# if there is no other: each connection is closed at once.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour one endpoint, away when a client comes, then back: nobody gets through 10 s later;
#           with --retry-delay 1s within 5 s
# Seen      closed; OK
#
# After a restart of all members, or of a machine, clients stay away that much longer.
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

front() { # front NAME FLAG...: a gateway before the member
  local at=127.0.0.1:$(port)
  printf -v "$1" %s "$at"
  etcd gateway start --endpoints "${url#http://}" --listen-addr "$at" "${@:2}" >"$work/$1.log" 2>&1 &
  await answers "$at"
}
answers() { curl -sf -m 2 "http://$1/version"; }
within() { # within SECONDS ENDPOINT: OK once it answers, closed if it does not
  for ((SECONDS = 0; SECONDS < $1;)); do
    if answers "$2" >"$work/answer"; then echo OK; return; fi
    sleep 0.5
  done
  echo closed
}

for version in 3.5.35 3.6.16 3.7.3; do
  start $version
  front usual
  front quick --retry-delay 1s
  stop
  expect "$version: the member is away" 'closed closed' "$(within 1 "$usual") $(within 1 "$quick")"
  "$cache/etcd-$version/etcd" --name m --data-dir "$work/$version.etcd" --unsafe-no-fsync \
    --listen-client-urls "$url" --advertise-client-urls "$url" --listen-peer-urls "http://127.0.0.1:$(port)" >"$work/again.log" 2>&1 &
  pid=$!
  await etcdctl put started again
  expect "$version: back, with --retry-delay 1s" OK "$(within 5 "$quick")"
  expect "$version: back, as it comes" closed "$(within 10 "$usual")"
  stop
done
