#!/usr/bin/env bash
# A snapshot of Debian's etcd 3.4 is restored by 3.7's etcdutl and served by 3.7, no
# release between them, though etcd's pages say that minors must not be skipped.
#
# Version   etcd 3.4.23 (Debian 12) and 3.7.3
# Behaviour keys, revision and leases are there; storage version is 3.7.0 at once
# Seen      4 keys, {"etcdserver":"3.7.3","etcdcluster":"3.7.0","storage":"3.7.0"}
#
# The data directory itself is no way in: neither 3.6 nor 3.7 starts on it.
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

# debian PACKAGE... unpacks packages of Debian 12 into $cache/debian, once.
debian() {
  local package
  for package in "$@"; do
    [ -e "$cache/debian/.$package" ] && continue
    mkdir -p "$work/debian" "$cache/debian"
    (cd "$work/debian" && apt-get download "$package" && dpkg -x "$package"_*.deb "$cache/debian") >"$work/install" 2>&1 ||
      { cat "$work/install" >&2; exit 1; }
    touch "$cache/debian/.$package"
  done
}

debian etcd-server etcd-client
mkdir -p "$cache/etcd-3.4.23"
ln -sf "$cache"/debian/usr/bin/{etcd,etcdctl} "$cache/etcd-3.4.23/"
start 3.4.23
expect "version of Debian's etcd" 3.4.23 "$(curl -s "$url/version" | jq -r .etcdserver)"
for i in 1 2; do etcdctl put "key$i" "$i" >"$work/put"; done
lease=$(etcdctl lease grant 600 | cut -d' ' -f2)
etcdctl put leased x --lease "$lease" >"$work/put"
revision=$(etcdctl get key1 -w json | jq .header.revision)
etcdctl snapshot save "$work/snapshot" >"$work/out" 2>&1
stop

install 3.7.3
"$cache/etcd-3.7.3/etcdutl" snapshot restore "$work/snapshot" --data-dir "$work/3.7.3.etcd" \
  --name m --initial-cluster m=http://127.0.0.1:1 --initial-advertise-peer-urls http://127.0.0.1:1 >"$work/out" 2>&1
start 3.7.3
expect 'keys on 3.7.3' 4 "$(etcdctl get '' --prefix -w json | jq .count)"
expect 'revision on 3.7.3, one put later' "$((revision + 1))" "$(etcdctl get key1 -w json | jq .header.revision)"
expect 'the lease' "$lease" "$(etcdctl lease list | tail -1)"
stored() { [ "$(curl -s "$url/version" | jq -r .storage)" = 3.7.0 ]; }
await stored
expect 'versions' '{"etcdserver":"3.7.3","etcdcluster":"3.7.0","storage":"3.7.0"}' "$(curl -s "$url/version")"
