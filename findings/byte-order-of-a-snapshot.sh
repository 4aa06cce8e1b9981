#!/usr/bin/env bash
# A snapshot is read on machines of its own byte order only.
#
# Version   etcd 3.7.3, for amd64, and for arm64 and s390x by qemu-user 7.2 (Debian 12)
# Behaviour the snapshot of a member on amd64 is read on arm64. On s390x, which upstream
#           releases too, it is an "invalid database", and the other way round
# Seen      Error: invalid database, exit code 1, of `etcdutl snapshot status`
#
# Members of both kinds found a healthy cluster together, as what they say to each other
# has no byte order. The day that one of them needs a snapshot of another it is lost.
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

# foreign VERSION ARCH builds etcdutl for another kind of machine, once.
foreign() {
  [ -x "$cache/etcd-$1/etcdutl-$2" ] && return
  mkdir -p "$work/build-$2"
  (cd "$work/build-$2"
   export CGO_ENABLED=0 GOARCH=$2
   go mod init finding
   go get "go.etcd.io/etcd/etcdutl/v3@v$1"
   go build -trimpath -o "$cache/etcd-$1/etcdutl-$2" go.etcd.io/etcd/etcdutl/v3) >"$work/install" 2>&1 ||
    { cat "$work/install" >&2; exit 1; }
}

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

install 3.7.3
foreign 3.7.3 arm64
foreign 3.7.3 s390x
debian qemu-user-static
cd "$work"

client=$(port) peer=$(port)
"$cache/etcd-3.7.3/etcd" --data-dir data --unsafe-no-fsync \
  --listen-client-urls "http://127.0.0.1:$client" --advertise-client-urls "http://127.0.0.1:$client" \
  --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
  --initial-cluster "default=http://127.0.0.1:$peer" >etcd.log 2>&1 &
etcdctl() { "$cache/etcd-3.7.3/etcdctl" --endpoints "http://127.0.0.1:$client" "$@"; }
await etcdctl put key value
etcdctl snapshot save snapshot.db >save.log 2>&1

# status QEMU ARCH: what etcdutl of another kind of machine makes of the snapshot.
status() {
  local out code=0
  out=$("$cache/debian/usr/bin/qemu-$1-static" "$cache/etcd-3.7.3/etcdutl-$2" snapshot status -w fields snapshot.db 2>&1) || code=$?
  echo "$code, $(grep -o '"Revision" : [0-9]*\|Error: .*' <<<"$out")"
}
expect 'arm64, a snapshot of amd64' '0, "Revision" : 2' "$(status aarch64 arm64)"
expect 's390x, a snapshot of amd64' '1, Error: invalid database' "$(status s390x s390x)"
