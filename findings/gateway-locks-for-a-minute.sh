#!/usr/bin/env bash
# A lock that the JSON gateway was asked for without a lease is locked for a minute, and
# nothing keeps it: the answer does not even name the lease.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour /v3/lock/lock without a lease: 200 and a key, with a lease of 60 s that runs out;
#           after `unlock` the lease stays. /v3/election/campaign is the same
# Seen      granted with TTL(60s), remaining(56s)
#
# Grant a lease, keep it alive and give it with the request.
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

ask() { curl -s "$url/v3/$1" -d "$2"; }
lease() { # lease PREFIX: that of the key below it, as etcdctl takes it
  printf %x "$(etcdctl get "$1" --prefix -w fields | sed -n 's/^"Lease" : //p')"
}
remains() { etcdctl lease timetolive "$1" | sed 's/.*granted/granted/'; }
used() { [ "$(remains "$1" | sed 's/.*remaining(\([0-9]*\)s).*/\1/')" -le 56 ]; }

for version in 3.5.35 3.6.16 3.7.3; do
  start $version
  answer=$(ask lock/lock '{"name":"bG9jaw=="}')
  expect "$version: what the answer has" 'header key' "$(jq -r 'keys_unsorted | join(" ")' <<<"$answer")"
  id=$(lease lock/)
  await used "$id"
  expect "$version: lease of the lock" 'granted with TTL(60s)' "$(remains "$id" | cut -d, -f1)"
  ask lock/unlock "{\"key\":$(jq .key <<<"$answer")}" >"$work/unlock"
  expect "$version: the lock after that" '' "$(etcdctl get lock/ --prefix --keys-only)"
  expect "$version: its lease after that" "$id" "$(etcdctl lease list | tail -1)"
  ask election/campaign '{"name":"ZWxlY3Q=","value":"bWU="}' >"$work/campaign"
  expect "$version: lease of an election" 'granted with TTL(60s)' "$(remains "$(lease elect/)" | cut -d, -f1)"
  stop
done
