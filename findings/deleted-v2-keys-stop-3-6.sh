#!/usr/bin/env bash
# Keys of the API v2 that were deleted stop etcd 3.6 as those that are there, for as long
# as 3.5 has no snapshot on disk from after it; starting 3.5 once with a small
# snapshot-count makes one.
#
# Version   etcd 3.5.35 and 3.6.16
# Behaviour enable-v2, a key of v2 put, its folder deleted, 40 writes of v3: etcdutl check
#           v2store fails and 3.6 ends. So after `etcdutl migrate`, and after 3.5 was
#           started without enable-v2, as the log still has the requests: by default a
#           snapshot comes every 100,000 entries. Started with --snapshot-count 5 3.5 makes
#           one of what it replays, with nothing written, and 3.6 starts. It also starts on a
#           restored snapshot of etcdctl's, which has nothing of v2
# Seen      detected custom v2 content in WAL records; detected disallowed v2 WAL
#
# A quiet cluster that used v2 for a day, years ago, is not upgraded.
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

# again VERSION FLAG... starts a member on the data of 3.5.
again() {
  local version=$1
  shift
  install "$version"
  export PATH="$cache/etcd-$version:$PATH"
  etcd --name m --data-dir "$data" --unsafe-no-fsync --listen-client-urls "$url" --advertise-client-urls "$url" \
    --listen-peer-urls "http://127.0.0.1:$(port)" "$@" >"$work/again.log" 2>&1 &
  pid=$!
}
served() { await etcdctl get started; stop; }

# checked is what etcdutl of 3.5 thinks of the data.
checked() { "$cache/etcd-3.5.35/etcdutl" check v2store --data-dir "$data" 2>&1 | sed -n 's/^Error: //p'; }

# upgraded is what 3.6 does with the data: it answers, or ends and says why.
upgraded() {
  again 3.6.16
  until etcdctl get started >"$work/get" 2>&1; do
    kill -0 "$pid" 2>/dev/null || { grep -o 'detected disallowed v2 WAL' "$work/again.log" | head -1; return; }
    sleep 0.2
  done
  stop
  echo serves
}

start 3.5.35 --enable-v2
data=$work/3.5.35.etcd
curl -sf -XPUT "$url/v2/keys/folder/key" -d value=1 >"$work/put"
curl -sf -XDELETE "$url/v2/keys/folder?recursive=true" >"$work/del"
expect 'keys of v2' '{"action":"get","node":{"dir":true}}' "$(curl -sf "$url/v2/keys/")"
for i in {1..40}; do etcdctl put key "$i" >"$work/put"; done
etcdctl snapshot save "$work/snap.db" >"$work/save" 2>&1
stop
cp -a "$data" "$work/kept"

expect 'check v2store' 'detected custom v2 content in WAL records' "$(checked)"
expect 'under 3.6' 'detected disallowed v2 WAL' "$(upgraded)"

rm -rf "$data" && cp -a "$work/kept" "$data"
"$cache/etcd-3.6.16/etcdutl" migrate --data-dir "$data" --target-version 3.6 >"$work/migrate" 2>&1
expect 'migrated, under 3.6' 'detected disallowed v2 WAL' "$(upgraded)"

rm -rf "$data" && cp -a "$work/kept" "$data"
again 3.5.35 && served
expect '3.5 without enable-v2, check v2store' 'detected custom v2 content in WAL records' "$(checked)"
again 3.5.35 --snapshot-count 5 && served
expect '3.5 with --snapshot-count 5, check v2store' '' "$(checked)"
expect 'under 3.6 after it' serves "$(upgraded)"

data=$work/restored
"$cache/etcd-3.6.16/etcdutl" snapshot restore "$work/snap.db" --data-dir "$data" >"$work/restore" 2>&1
expect 'restored, under 3.6' serves "$(upgraded)"
