#!/usr/bin/env bash
# `resign` of etcd's election service says 200 to whoever does not lead, and the leader stays.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3 (v3electionpb.Resign, /v3/election/resign)
# Behaviour with another revision than the leader's: 200, and nothing changes; a second time:
#           200. `proclaim` after that is an error, 500, "election: not leader"
# Seen      200; 200; 500
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

ask() { curl -s -o "$work/answer" -w '%{http_code}' "$url/v3/election/$1" -d "$2"; }
leader() { ask leader '{"name":"ZWxlY3Q="}' >"$work/code"; jq -r '.kv.value // "nobody"' "$work/answer"; }

for version in 3.5.35 3.6.16 3.7.3; do
  start $version
  ask campaign '{"name":"ZWxlY3Q=","value":"bWU="}' >"$work/code"
  elected=$(jq -c .leader "$work/answer")
  expect "$version: resign with another revision" 200 "$(ask resign "{\"leader\":$(jq -c '.rev = "1"' <<<"$elected")}")"
  expect "$version: who leads" bWU= "$(leader)"
  expect "$version: resign" 200 "$(ask resign "{\"leader\":$elected}")"
  expect "$version: who leads after that" nobody "$(leader)"
  expect "$version: resign once more" 200 "$(ask resign "{\"leader\":$elected}")"
  expect "$version: proclaim" 500 "$(ask proclaim "{\"leader\":$elected,\"value\":\"eW91\"}")"
  stop
done
