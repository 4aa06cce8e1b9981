#!/usr/bin/env bash
# etcdctl prints IDs in hex as text and in decimal as JSON, and takes hex only; jq 1.6
# changes the last digits of the decimal ones before.
#
# Version   etcdctl 3.5.35, 3.6.16, 3.7.3; jq 1.6
# Behaviour `lease revoke` with the ID of `lease grant -w json`: refused as out of range;
#           jq's .ID is another number than the one in the text
# Seen      bad lease ID arg (strconv.ParseInt: ... value out of range)
#
# `-w json --hex` prints what the other commands take, as text, so that jq leaves it alone.
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

expect 'release of jq' jq-1.6 "$(jq --version)"
for version in 3.5.35 3.6.16 3.7.3; do
  start "$version"
  etcdctl lease grant 600 -w json >"$work/lease"
  id=$(grep -oE '"(ID|id)":[0-9]+' "$work/lease" | cut -d: -f2)
  expect "$version: revoked by the ID of the JSON" no "$(etcdctl lease revoke "$id" >"$work/out" 2>&1 && echo yes || echo no)"
  expect "$version: out of range, or another" 1 "$(grep -cE 'out of range|not found' "$work/out")"
  etcdctl member list -w json >"$work/members"
  id=$(grep -oE '"members":\[\{"ID":[0-9]+' "$work/members" | grep -oE '[0-9]+$')
  # A number under 2^53 would survive; of random IDs one in two thousand is.
  expect "$version: jq has the member's ID" no "$([ "$(jq '.members[0].ID' "$work/members")" = "$id" ] && echo yes || echo no)"
  hex=$(etcdctl member list | cut -d, -f1)
  expect "$version: --hex" "$hex" "$(etcdctl member list -w json --hex | jq -r '.members[0].ID')"
  stop
done
