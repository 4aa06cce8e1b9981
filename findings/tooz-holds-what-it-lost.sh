#!/usr/bin/env bash
# OpenStack's tooz goes on having a lock in etcd that is another's, by acquired and by heartbeat, and
# a member that lost its group sends heartbeats for nothing.
#
# Version   python3-tooz 3.1.0, python3-etcd3 0.12.0, python3-etcd3gw 2.0.0 (Debian 12), etcd 3.7.3
# Behaviour etcd3+http://: TypeError, as this etcd3gw has no api_path there. etcd3:// with a
#           timeout of 5 s: no heartbeat for 9 s, and another has the lock; then heartbeat
#           works, acquired is True for both, and the member is not in the group any more,
#           whatever heartbeats follow
# Seen      TypeError; True, True; two
#
# What shares work by groups leaves that of a member undone which thinks that it is there.
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

# debian FOLDER PACKAGE...: unpacks Debian's packages there, once.
debian() {
  local folder=$1 package
  shift
  for package in "$@"; do
    [ -e "$folder/usr/share/doc/$package" ] && continue
    mkdir -p "$work/debian" "$folder"
    (cd "$work/debian" && apt-get download "$package" && dpkg -x "$package"_*.deb "$folder") >"$work/install" 2>&1 ||
      { cat "$work/install" >&2; exit 1; }
  done
}

packages=$cache/debian-tooz
debian "$packages" python3-tooz python3-etcd3gw python3-etcd3 python3-grpcio python3-protobuf libprotobuf32 libabsl20220623 libc-ares2 \
  libre2-9 python3-futurist python3-fasteners python3-msgpack python3-oslo.serialization python3-oslo.utils python3-oslo.i18n \
  python3-pbr python3-stevedore python3-tenacity python3-voluptuous python3-requests python3-urllib3 python3-certifi \
  python3-chardet python3-charset-normalizer python3-idna python3-six python3-debtcollector python3-wrapt python3-iso8601 \
  python3-netaddr python3-netifaces python3-packaging python3-pyparsing python3-tz
export PYTHONPATH="$packages/usr/lib/python3/dist-packages" LD_LIBRARY_PATH="$packages/usr/lib/$(uname -m)-linux-gnu"

cat >"$work/coordinate.py" <<'END'
import sys, time, warnings
from tooz import coordination

warnings.simplefilter("ignore")
where = "127.0.0.1:" + sys.argv[1]
try:
    coordination.get_coordinator("etcd3+http://" + where + "?api_version=v3", b"one")
    print("etcd3+http: works")
except Exception as e:
    print("etcd3+http:", type(e).__name__)

def member(name):
    c = coordination.get_coordinator("etcd3://" + where + "?timeout=5", name)
    c.start()
    return c

one, two = member(b"one"), member(b"two")
mine, others = one.get_lock(b"job"), two.get_lock(b"job")
mine.acquire()
one.create_group(b"workers").get()
one.join_group(b"workers").get()
two.join_group(b"workers").get()
for _ in range(9): # one is away
    two.heartbeat()
    time.sleep(1)
print("another has the lock:", others.acquire(blocking=False))
for _ in range(3):
    one.heartbeat()
    two.heartbeat()
    time.sleep(1)
print("who thinks so:", mine.acquired, mine.heartbeat(), others.acquired)
print("members:", b" ".join(one.get_members(b"workers").get()).decode())
END

start 3.7.3
expect 'a lock and a group' "etcd3+http: TypeError
another has the lock: True
who thinks so: True True True
members: two" "$(/usr/bin/python3 "$work/coordinate.py" "$client")"
stop
