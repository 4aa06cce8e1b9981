#!/usr/bin/env bash
# While an alarm CORRUPT is up no key goes when its lease is over, so that locks are held by
# nobody; and reads are answered, though what they say may be wrong.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour a key with a lease of 3 s, then an alarm CORRUPT, raised by hand: 8 s later
#           the key is there, and the lease too, with a time below 0; get, serializable or not, and
#           snapshot save work; put and lease grant are refused. After alarm disarm the
#           key is gone within seconds
# Seen      there; answered; corrupt cluster; gone
#
# An alarm NOSPACE lets leases end. Whoever waits for a lock waits as long as the alarm
# is up, and whoever reads has to look at the alarms himself.
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

outcome() { # outcome COMMAND...: OK, or the refusal
  if etcdctl "$@" >"$work/out" 2>&1; then echo OK; else grep -o 'corrupt cluster' "$work/out" | tail -1; fi
}

gone() { [ -z "$(etcdctl get leased)" ]; }

for version in 3.5.35 3.6.16 3.7.3; do
  start $version
  etcdctl put leased x --lease "$(etcdctl lease grant 3 | cut -d' ' -f2)" >"$work/put"
  member=$(curl -s "$url/v3/maintenance/status" -d '{}' | grep -o '"member_id": *"[0-9]*"' | grep -o '[0-9]*')
  curl -s "$url/v3/maintenance/alarm" -d "{\"action\": \"ACTIVATE\", \"memberID\": \"$member\", \"alarm\": \"CORRUPT\"}" >"$work/alarm"
  sleep 8
  expect "$version: a key whose lease was over 5 s ago" x "$(etcdctl get leased --print-value-only)"
  expect "$version: leases" 'found 1 leases' "$(etcdctl lease list | head -1)"
  expect "$version: a serializable get" x "$(etcdctl get leased --consistency=s --print-value-only)"
  expect "$version: snapshot save" OK "$(outcome snapshot save "$work/snap.db")"
  expect "$version: put" 'corrupt cluster' "$(outcome put y y)"
  expect "$version: lease grant" 'corrupt cluster' "$(outcome lease grant 60)"
  etcdctl alarm disarm >"$work/disarm"
  await gone
  expect "$version: the key, once the alarm is down" '' "$(etcdctl get leased)"
  stop
done
