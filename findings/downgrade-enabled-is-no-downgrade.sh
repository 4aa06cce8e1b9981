#!/usr/bin/env bash
# `downgrade validate` and `downgrade enable` succeed while a member is down, and then the
# downgrade never happens.
#
# Version   etcd 3.6.16 and 3.7.3
# Behaviour three members, one stopped: validate 0, enable 0, storage version stays
# Seen      Downgrade validate success, Downgrade enable success, storage 3.7.0
#
# etcd's page: "do not move on until the validation is successful".
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

target() { case $1 in 3.7.*) echo 3.6 ;; *) echo 3.5 ;; esac; }
for version in 3.6.16 3.7.3; do
  install "$version"
  export PATH="$cache/etcd-$version:$PATH"
  peers=("http://127.0.0.1:$(port)" "http://127.0.0.1:$(port)" "http://127.0.0.1:$(port)")
  clients=("http://127.0.0.1:$(port)" "http://127.0.0.1:$(port)" "http://127.0.0.1:$(port)")
  pids=()
  for i in 0 1 2; do
    etcd --name "m$i" --data-dir "$work/$version.$i" --unsafe-no-fsync \
      --initial-cluster "m0=${peers[0]},m1=${peers[1]},m2=${peers[2]}" \
      --listen-client-urls "${clients[i]}" --advertise-client-urls "${clients[i]}" \
      --listen-peer-urls "${peers[i]}" --initial-advertise-peer-urls "${peers[i]}" >"$work/$i.log" 2>&1 &
    pids+=($!)
  done
  storage() { curl -s "${clients[0]}/version" | jq -r .storage; }
  stored() { [ "$(storage)" = "${version%.*}.0" ]; }
  export ETCDCTL_ENDPOINTS=${clients[0]}
  await stored
  kill -KILL "${pids[2]}"; wait "${pids[2]}" 2>/dev/null || true
  await etcdctl get x
  for step in validate enable; do
    expect "$version: downgrade $step with a member down" 0 \
      "$(etcdctl downgrade "$step" "$(target "$version")" >"$work/out" 2>&1; echo $?)"
  done
  for i in $(seq 10); do storage; sleep 1; done >"$work/storage"
  expect "$version: storage versions of 10 s" "${version%.*}.0" "$(sort -u "$work/storage")"
  kill "${pids[0]}" "${pids[1]}"
  wait "${pids[0]}" "${pids[1]}" 2>/dev/null || true
done
