#!/usr/bin/env bash
# A lock of Debian's python3-etcd3gw lets everybody into its with statement, whoever has it;
# and out of the box the library asks for an API that no etcd of today serves.
#
# Version   python3-etcd3gw 2.0.0 (Debian 12), etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour client() and a put: 404, as its path is /v3alpha/. Etcd3Client(api_path="/v3/"): a
#           lock that one has, with of another: no error, and its body runs; acquire does
#           not wait, and returns False; after the time of the lock it is another's, with
#           no word to the first one, as nothing keeps it alive
# Seen      Not Found; runs; False; True
#
# Debian's own etcd 3.4.23 serves no /v3alpha/ either (read). Use acquire and its
# answer, refresh, and Etcd3Client.
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

debian=$cache/debian-etcd3gw
for package in python3-etcd3gw python3-futurist python3-pbr python3-requests python3-urllib3 python3-six python3-certifi python3-chardet python3-charset-normalizer python3-idna; do
  [ -e "$debian/usr/share/doc/$package" ] && continue
  mkdir -p "$work/debian" "$debian"
  (cd "$work/debian" && apt-get download "$package" && dpkg -x "$package"_*.deb "$debian") >"$work/install" 2>&1 ||
    { cat "$work/install" >&2; exit 1; }
done

cat >"$work/two.py" <<'END'
import sys, time
from etcd3gw import client
from etcd3gw.client import Etcd3Client
from etcd3gw.exceptions import Etcd3Exception

port = int(sys.argv[1])
try:
    client(port=port).put("k", "v")
    print("stored", end="; ")
except Etcd3Exception as e:
    print("Not Found" if "Not Found" in str(e) + str(getattr(e, "detail_text", "")) else repr(e), end="; ")

first, second = Etcd3Client(port=port, api_path="/v3/"), Etcd3Client(port=port, api_path="/v3/")
lock = first.lock("job", ttl=3)
lock.acquire()
with second.lock("job", ttl=3):
    print("runs", end="; ")
other = second.lock("job", ttl=60)
print(other.acquire(), end="; ")
for _ in range(60):
    if other.acquire():
        break
    time.sleep(0.5)
print(other.is_acquired())
END

for version in 3.5.35 3.6.16 3.7.3; do
  start $version
  expect "$version: put by default; the body of the second; acquire; after its time" 'Not Found; runs; False; True' \
    "$(PYTHONPATH="$debian/usr/lib/python3/dist-packages" python3 "$work/two.py" "$client")"
  stop
done
