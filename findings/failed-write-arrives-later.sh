#!/usr/bin/env bash
# A put that failed by its deadline, because there was no quorum, is there once the quorum
# is back.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour two members, one stopped by a signal; the leader takes a put, the client
#           gives up after 5 s; the other goes on: the key has the value
# Seen      Error: context deadline exceeded; later: yes
#
# Who tries again has written twice; who took it for not written was wrong. Put with a
# comparison.
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

member() { # member NAME INDEX: starts one of two
  "$cache/etcd-$version/etcd" --name "$1" --data-dir "$work/$version.$1" --unsafe-no-fsync --initial-cluster "a=${peers[0]},b=${peers[1]}" \
    --listen-client-urls "${clients[$2]}" --advertise-client-urls "${clients[$2]}" \
    --listen-peer-urls "${peers[$2]}" --initial-advertise-peer-urls "${peers[$2]}" >"$work/$1.log" 2>&1 &
  pids[$2]=$!
}
leads() { etcdctl endpoint status -w fields | awk '/^"MemberID"/ {id = $3} /^"Leader"/ {exit $3 != id}'; }

for version in 3.5.35 3.6.16 3.7.3; do
  install "$version"
  export PATH="$cache/etcd-$version:$PATH"
  peers=("http://127.0.0.1:$(port)" "http://127.0.0.1:$(port)")
  clients=("http://127.0.0.1:$(port)" "http://127.0.0.1:$(port)")
  pids=()
  member a 0
  member b 1
  export ETCDCTL_ENDPOINTS=${clients[0]}
  await etcdctl put started yes
  other=1
  leads || { ETCDCTL_ENDPOINTS=${clients[1]} other=0; }
  kill -STOP "${pids[$other]}"
  expect "$version: put without a quorum" fails "$(etcdctl put late yes >"$work/out" 2>&1 && echo works || echo fails)"
  kill -CONT "${pids[$other]}"
  await etcdctl get started
  await eval 'etcdctl get late | grep yes'
  echo "as stated: $version: the put that failed is there"
  kill "${pids[@]}"
  wait "${pids[@]}" 2>/dev/null || true
done
