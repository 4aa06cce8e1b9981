#!/usr/bin/env bash
# A member at whose peer URL nobody listens is healthy, after a restart too: it dials the
# others by itself. Two of them are no quorum once the third is gone.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour three members; member update of both followers to a URL where nobody
#           listens, and each restarted: all are healthy, and take writes. Then the leader
#           ends: the two others run, and find no leader in a quarter of a minute
# Seen      healthy, healthy, OK; unhealthy
#
# As after addresses have changed, or a misspelt member add. endpoint health says nothing,
# nor does a put; dial the URLs of member list from another member.
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

member() { # member INDEX: starts one of three, or again
  etcd --name "m$1" --data-dir "$work/$version.$1" --unsafe-no-fsync --initial-cluster "m0=${peers[0]},m1=${peers[1]},m2=${peers[2]}" \
    --listen-client-urls "${clients[$1]}" --advertise-client-urls "${clients[$1]}" \
    --listen-peer-urls "${peers[$1]}" --initial-advertise-peer-urls "${peers[$1]}" >"$work/$version.$1.log" 2>&1 &
  pids[$1]=$!
}

# three starts three members, and finds their leader and their IDs.
three() {
  rm -rf "$work/$version".*
  for i in 0 1 2; do clients[i]=http://127.0.0.1:$(port) peers[i]=http://127.0.0.1:$(port); done
  for i in 0 1 2; do member $i; done
  for i in 0 1 2; do await etcdctl --endpoints "${clients[$i]}" endpoint health; done
  for i in 0 1 2; do
    ids[i]=$(etcdctl --endpoints "${clients[$i]}" endpoint status -w fields | sed -n 's/^"MemberID" : //p')
    if [ "${ids[$i]}" = "$(etcdctl --endpoints "${clients[$i]}" endpoint status -w fields | sed -n 's/^"Leader" : //p')" ]; then leader=$i; fi
  done
}

restart() { # restart INDEX
  kill "${pids[$1]}"
  wait "${pids[$1]}" 2>/dev/null || true
  member "$1"
  await etcdctl --endpoints "${clients[$1]}" endpoint health
}

healthy() { # healthy INDEX: whether it finds a leader within a quarter of a minute
  for ((SECONDS = 0; SECONDS < 15;)); do
    etcdctl --endpoints "${clients[$1]}" endpoint health >"$work/health" 2>&1 && { echo healthy; return; }
    sleep 1
  done
  echo unhealthy
}

for version in 3.5.35 3.6.16 3.7.3; do
  install $version
  export PATH="$cache/etcd-$version:$PATH"
  clients=() peers=() pids=() ids=()
  three
  followers=()
  for i in 0 1 2; do [ $i = $leader ] || followers+=($i); done
  for i in "${followers[@]}"; do
    etcdctl --endpoints "${clients[$leader]}" member update "$(printf %x "${ids[$i]}")" --peer-urls "http://127.0.0.1:$(port)" >"$work/update"
  done
  for i in "${followers[@]}"; do restart "$i"; done
  expect "$version: a follower with a wrong URL, restarted" healthy "$(healthy "${followers[0]}")"
  expect "$version: the other" healthy "$(healthy "${followers[1]}")"
  expect "$version: a put by one of them" OK "$(etcdctl --endpoints "${clients[${followers[0]}]}" put x y)"
  kill -KILL "${pids[$leader]}"
  wait "${pids[$leader]}" 2>/dev/null || true
  expect "$version: two of three, with wrong URLs" unhealthy "$(healthy "${followers[0]}")"
  kill -KILL "${pids[@]}" 2>/dev/null || true
  wait
done
