#!/usr/bin/env bash
# The JSON gateway takes a comparison whose value is not of its target, and compares
# with 0: `value` without `"target":"VALUE"` asks whether the key is missing.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour {"key":K,"value":V}, without a target: false where K is V, true where K is not
#           there, as VERSION is the default target and no version was given; the same of
#           MOD with a version; VALUE with a mod_revision compares with nothing
# Seen      HTTP 200 each time, "succeeded":true for the missing key
#
# A replacement that is meant for one value is never done, or is done where nothing was.
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

# holds COMPARISON is whether a transaction finds it true.
holds() {
  curl -sf "$url/v3/kv/txn" -d "{\"compare\":[{\"result\":\"EQUAL\",$1}]}" | jq '.succeeded // false'
}

there='"key":"YQ=="' missing='"key":"Yg=="' # a and b
one='"value":"MQ=="'                        # 1

for version in 3.5.35 3.6.16 3.7.3; do
  start "$version"
  etcdctl put a 1 >"$work/put"
  expect "$version: a is 1" true "$(holds "$there,$one,\"target\":\"VALUE\"")"
  expect "$version: a is 1, without a target" false "$(holds "$there,$one")"
  expect "$version: b is 1, without a target" true "$(holds "$missing,$one")"
  expect "$version: a has version 1" true "$(holds "$there,\"version\":\"1\",\"target\":\"VERSION\"")"
  expect "$version: a has version 1, target MOD" false "$(holds "$there,\"version\":\"1\",\"target\":\"MOD\"")"
  expect "$version: b has version 1, target MOD" true "$(holds "$missing,\"version\":\"1\",\"target\":\"MOD\"")"
  etcdctl put a '' >"$work/put"
  expect "$version: a has mod_revision 999, target VALUE" true "$(holds "$there,\"mod_revision\":\"999\",\"target\":\"VALUE\"")"
  stop
done
