#!/usr/bin/env bash
# A snapshot that was taken while a downgrade was enabled brings the downgrade back: what is restored of it stays at
# the older version, though nobody has asked for that.
#
# Version   etcd 3.6.16, 3.7.3
# Behaviour downgrade enable, snapshot save, snapshot restore: the members and the removed ones of then are left out,
#           the downgrade is not. A new cluster of 3.7.3 is one of 3.6 until downgrade cancel
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

target() { case $1 in 3.7.*) echo 3.6 ;; *) echo 3.5 ;; esac; }
version() { curl -s "$url/version" | jq -r .etcdcluster; }
is() { [ "$(version)" = "$1" ]; }

for release in 3.6.16 3.7.3; do
  start $release
  await is "${release%.*}.0"
  etcdctl downgrade enable "$(target $release)" >/dev/null
  await is "$(target $release).0"
  etcdctl snapshot save "$work/$release.db" >/dev/null 2>&1
  stop
  rm -rf "$work/$release.etcd"
  client=$(port) peer=$(port)
  etcdutl snapshot restore "$work/$release.db" --name m --data-dir "$work/$release.etcd" --initial-cluster-token another \
    --initial-cluster "m=http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" >/dev/null 2>&1
  url=http://127.0.0.1:$client
  export ETCDCTL_ENDPOINTS=$url
  etcd --name m --data-dir "$work/$release.etcd" --unsafe-no-fsync --listen-client-urls "$url" --advertise-client-urls "$url" \
    --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
    --initial-cluster "m=http://127.0.0.1:$peer" >"$work/$release.log" 2>&1 &
  pid=$!
  await etcdctl put restored yes
  sleep 10 # long enough for a cluster's version to be raised
  expect "$release: version of the restored cluster" "$(target $release).0" "$(version)"
  expect "$release: its downgrade" "$(target $release).0" "$(curl -s "$url/v3/maintenance/status" -d '{}' | jq -r .downgradeInfo.targetVersion)"
  etcdctl downgrade cancel >/dev/null
  await is "${release%.*}.0"
  stop
done
