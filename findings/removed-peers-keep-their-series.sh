#!/usr/bin/env bash
# A member that was removed stays in the metrics of those that were there, without a connection, until each of them is restarted.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour three members, one removed: etcd_network_active_peers of it is 0 at the others, as of one that is down, and
#           its bytes and round trips stay as they are; etcd_network_known_peers, which 3.5 has not, is 0. After a restart
#           of who is asked there is no connection of it any more
# Seen      active 0, known 0; nothing
#
# An alert on active_peers == 0 goes on for a member that was removed in order. Take known_peers less active_peers.
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

# three VERSION NAMES FLAG...: starts those of the three members m0, m1 and m2 that are named, with the flags.
three() {
  local version=$1 i
  for i in $2; do
    "$cache/etcd-$version/etcd" --name "m$i" --data-dir "$work/$version.$i" --unsafe-no-fsync --heartbeat-interval 100 \
      --election-timeout $((i == 0 ? 1000 : 5000)) --initial-cluster "m0=${peers[0]},m1=${peers[1]},m2=${peers[2]}" \
      --listen-client-urls "${clients[i]}" --advertise-client-urls "${clients[i]}" \
      --listen-peer-urls "${peers[i]}" --initial-advertise-peer-urls "${peers[i]}" "${@:3}" >"$work/$i.log" 2>&1 &
    pids[i]=$!
  done
}

halt() { # halt NAMES...: stops these
  local i
  for i in "$@"; do kill -KILL "${pids[i]}" || true; done
  for i in "$@"; do wait "${pids[i]}" || true; done
} 2>/dev/null

at() { # at NAME ARGUMENT...: etcdctl asks that one
  local i=$1
  shift
  ETCDCTL_ENDPOINTS=${clients[i]} etcdctl "$@"
}

# series tells what m0 has of the member $id.
series() {
  curl -s "${clients[0]}/metrics" | sed -n "s/^etcd_network_\(active\|known\)_peers{.*Remote=\"$id\"} /\1 /p" | paste -sd, | sed 's/,/, /'
}
is() { [ "$(series)" = "$1" ]; }

for version in 3.5.35 3.6.16 3.7.3; do
  install "$version"
  export PATH="$cache/etcd-$version:$PATH"
  peers=("http://127.0.0.1:$(port)" "http://127.0.0.1:$(port)" "http://127.0.0.1:$(port)")
  clients=("http://127.0.0.1:$(port)" "http://127.0.0.1:$(port)" "http://127.0.0.1:$(port)")
  pids=()
  case $version in 3.5.*) before='active 1' after='active 0' ;; *) before='active 1, known 1' after='active 0, known 0' ;; esac
  three "$version" '0 1 2'
  await at 0 put k v
  id=$(at 0 member list | sed -n 's/, started, m2,.*//p')
  await is "$before"
  sleep 5 # etcd wants all connected for that long
  at 0 member remove "$id" >/dev/null
  await is "$after"
  sleep 5
  expect "$version: of a member that was removed" "$after" "$(series)"
  halt 0
  three "$version" 0
  await at 0 get k
  expect "$version: its connection, after a restart" '' "$(series | grep -o 'active [01]' || true)"
  halt 0 1 2
done
