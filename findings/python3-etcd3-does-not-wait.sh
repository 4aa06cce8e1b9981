#!/usr/bin/env bash
# Debian's python3-etcd3 does not wait for a lock that another has: it raises a TypeError of its own;
# a lock is lost while its with statement runs, and the watch of a callback ends with etcd's
# restart.
#
# Version   python3-etcd3 0.12.0, python3-tenacity 8.2.1 (Debian 12), etcd 3.7.3
# Behaviour with client.lock(NAME), held by another: TypeError, as tenacity calls what waits
#           otherwise than it did; acquire(timeout=0) is False. A lock of 5 s after 8 s in its
#           with: another has it, and refresh returns without an error. A callback gets the
#           error of the connection in place of a response, once, and nothing after that
# Seen      TypeError; False; lost, taken; 1 event of 2
#
# tooz of OpenStack has its locks from here, with etcd3://.
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

packages=$cache/debian-etcd3
debian "$packages" python3-etcd3 python3-grpcio python3-protobuf libprotobuf32 python3-tenacity python3-six libabsl20220623 libc-ares2 libre2-9
export PYTHONPATH="$packages/usr/lib/python3/dist-packages" LD_LIBRARY_PATH="$packages/usr/lib/$(uname -m)-linux-gnu"

cat >"$work/locks.py" <<'END'
import sys, time
import etcd3

port = int(sys.argv[1])
one, two = etcd3.client(port=port), etcd3.client(port=port)
one.lock("job").acquire()
try:
    with two.lock("job"):
        print("in")
except Exception as e:
    print("held by another:", type(e).__name__)
print("not to wait:", two.lock("job").acquire(timeout=0))

with one.lock("short", ttl=5) as lock:
    time.sleep(8)
    print("mine after 8 s of 5:", lock.is_acquired(), "another's:", two.lock("short").acquire())
    lock.refresh()
    print("refreshed without an error")
END
cat >"$work/watch.py" <<'END'
import logging, sys, time
import etcd3

logging.disable()

def changed(response):
    if isinstance(response, Exception):
        print("an error", flush=True)
    else:
        for event in response.events:
            print(event.value.decode(), flush=True)

etcd3.client(port=int(sys.argv[1])).add_watch_callback("k", changed)
print("ready", flush=True)
time.sleep(600)
END

start 3.7.3
expect 'locks' "held by another: TypeError
not to wait: False
mine after 8 s of 5: False another's: True
refreshed without an error" "$(/usr/bin/python3 "$work/locks.py" "$client")"

/usr/bin/python3 "$work/watch.py" "$client" >"$work/saw" &
await grep -q ready "$work/saw"
etcdctl put k 1 >"$work/put"
await grep -q 1 "$work/saw"
stop
etcd --name m --data-dir "$work/3.7.3.etcd" --unsafe-no-fsync --listen-client-urls "$url" --advertise-client-urls "$url" \
  --listen-peer-urls "http://127.0.0.1:$peer" >>"$work/3.7.3.log" 2>&1 &
pid=$!
await etcdctl put k 2
sleep 5
etcdctl put k 3 >"$work/put"
sleep 5
expect 'what a callback is called with, etcd restarted after 1' 'ready 1 an error' "$(paste -sd' ' "$work/saw")"
stop
