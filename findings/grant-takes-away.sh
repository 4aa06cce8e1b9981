#!/usr/bin/env bash
# Granting a role a permission takes the one away that it has for the same key or range,
# also where the new one is less.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour role grant-permission r readwrite k, then read k: k may not be written any
#           more; read k, then write k: not read; of one prefix as well. A range that only
#           overlaps with another adds up
# Seen      permission denied; permission denied; OK
#
# The answer says updated each time. Say readwrite where both are meant.
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

as() { # as USER COMMAND...: OK, or the refusal
  local user=$1 out
  shift
  if out=$(etcdctl --user "$user:p" "$@" 2>&1); then echo OK; else grep -o 'permission denied' <<<"$out" | tail -1; fi
}

users() {
  etcdctl user add root:p && etcdctl user grant-role root root
  for user in less split wide; do
    etcdctl user add $user:p && etcdctl role add $user && etcdctl user grant-role $user $user
  done
  etcdctl role grant-permission less readwrite k && etcdctl role grant-permission less read k
  etcdctl role grant-permission split read k/ --prefix && etcdctl role grant-permission split write k/ --prefix
  etcdctl role grant-permission wide readwrite k && etcdctl role grant-permission wide read a z
  etcdctl auth enable
}

for version in 3.5.35 3.6.16 3.7.3; do
  start $version --bcrypt-cost 4
  users >"$work/users" 2>&1
  expect "$version: readwrite k, then read k: put" 'permission denied' "$(as less put k 1)"
  expect "$version: the same: get" OK "$(as less get k)"
  expect "$version: read of a prefix, then write: get" 'permission denied' "$(as split get k/a)"
  expect "$version: the same: put" OK "$(as split put k/a 1)"
  expect "$version: readwrite k, then read of a to z: put" OK "$(as wide put k 1)"
  stop
done
