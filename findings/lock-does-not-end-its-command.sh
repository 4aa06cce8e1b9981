#!/usr/bin/env bash
# `etcdctl lock NAME COMMAND` runs the command on when the lock is lost, and on SIGTERM.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour etcdctl is stopped for longer than its lease (a machine that sleeps, a long
#           pause): another gets the lock. Gone on, it does not end its command, says
#           nothing and ends with 0. SIGTERM ends neither it nor the command
# Seen      two commands under one lock; exit code 0 of the first
#
# Hurts whoever has cron jobs exclude each other by it, or a service manager stop them:
# the command has to check a revision or a lease of its own, and `timeout` or a process
# group has to end it. Exits 1 once this is no longer so.
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

cat >"$work/job" <<'JOB'
#!/bin/sh
echo $$ >"$1"
until [ -e "$2" ]; do sleep 0.1; done
echo to the end >"$2.end"
JOB
chmod +x "$work/job"

runs() { if kill -0 "$1" 2>/dev/null; then echo runs; else echo ended; fi; }
free() { [ "$(etcdctl get --prefix m/ --keys-only)" = "" ]; }

for version in 3.5.35 3.6.16 3.7.3; do
  start "$version"
  rm -f "$work"/*.pid "$work"/go*
  etcdctl lock --ttl 2 m "$work/job" "$work/first.pid" "$work/go1" >"$work/first.log" 2>&1 &
  first=$!
  await test -s "$work/first.pid"
  kill -STOP "$first"
  await free # its lease is over
  etcdctl lock --ttl 60 m "$work/job" "$work/second.pid" "$work/go2" >"$work/second.log" 2>&1 &
  second=$!
  await test -s "$work/second.pid"
  expect "$version: the first command, while another has the lock" runs "$(runs "$(cat "$work/first.pid")")"
  kill -CONT "$first"
  etcdctl lease list >"$work/leases.log" # it has had the time to ask
  expect "$version: the same, etcdctl going on" runs "$(runs "$(cat "$work/first.pid")")"
  touch "$work/go1"
  code=0
  wait "$first" || code=$?
  expect "$version: exit code of the first" 0 "$code"
  expect "$version: the first command ran" 'to the end' "$(cat "$work/go1.end")"

  kill -TERM "$second"
  etcdctl lease list >"$work/leases.log"
  expect "$version: etcdctl after SIGTERM" runs "$(runs "$second")"
  expect "$version: its command" runs "$(runs "$(cat "$work/second.pid")")"
  touch "$work/go2"
  code=0
  wait "$second" || code=$?
  expect "$version: exit code after SIGTERM" 0 "$code"
  expect "$version: the second command ran" 'to the end' "$(cat "$work/go2.end")"
  stop
done
