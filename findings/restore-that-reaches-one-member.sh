#!/usr/bin/env bash
# A snapshot that is restored with the token the cluster always had, and reaches one of
# three members while the others start empty, makes one healthy cluster whose members
# have different contents.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour every member answers a linearizable get; the restored one has the key, an
#           empty one does not; IDs are those of before; `endpoint health` is 0
# Seen      key there, key not there, three times healthy
#
# etcd's page says that the new metadata of a restore keep it from joining an existing
# cluster. A token that was never used before does.
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

for version in 3.5.35 3.6.16 3.7.3; do
  start "$version"
  for i in 1 2 3 4 5; do etcdctl put key "$i" >"$work/put"; done
  etcdctl snapshot save "$work/snapshot" >"$work/out" 2>&1
  stop
  peers=() clients=() cluster='' pids=()
  for i in 0 1 2; do
    peers+=("http://127.0.0.1:$(port)") clients+=("http://127.0.0.1:$(port)")
    cluster=$cluster${cluster:+,}m$i=${peers[i]}
  done
  etcdutl snapshot restore "$work/snapshot" --data-dir "$work/0.etcd" --name m0 --initial-cluster "$cluster" \
    --initial-cluster-token always --initial-advertise-peer-urls "${peers[0]}" >"$work/out" 2>&1
  for i in 0 1 2; do
    etcd --name "m$i" --data-dir "$work/$i.etcd" --unsafe-no-fsync --initial-cluster "$cluster" --initial-cluster-token always \
      --listen-client-urls "${clients[i]}" --advertise-client-urls "${clients[i]}" \
      --listen-peer-urls "${peers[i]}" --initial-advertise-peer-urls "${peers[i]}" >"$work/$i.log" 2>&1 &
    pids+=($!)
  done
  key() { ETCDCTL_ENDPOINTS=${clients[$1]} etcdctl get key --print-value-only; }
  for i in 0 1 2; do await key "$i"; done
  expect "$version: the key at the restored member" 5 "$(key 0)"
  expect "$version: the key at an empty one" '' "$(key 1)"
  endpoints=$(IFS=,; echo "${clients[*]}")
  await env ETCDCTL_ENDPOINTS="$endpoints" etcdctl endpoint health
  echo "as stated: $version: all three are healthy"
  kill "${pids[@]}"
  wait "${pids[@]}" 2>/dev/null || true
  rm -rf "$work"/?.etcd "$work/snapshot"
done
