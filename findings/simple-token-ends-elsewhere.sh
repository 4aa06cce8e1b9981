#!/usr/bin/env bash
# A simple token is kept alive by each member for itself: what is in use at one member
# all the time is over at the others after --auth-token-ttl.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour a token of one of two members is good at both; used all the time at the
#           first for longer than its time it goes on there, and is refused at the second
# Seen      200 at the first, 401 at the second: etcdserver: invalid auth token
#
# A client of the gateway that goes to another member, as when the first one ends, needs
# another token, however busy it was. The Go client fetches one by itself.
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

member() { # member NAME INDEX: starts one of two
  "$cache/etcd-$version/etcd" --name "$1" --data-dir "$work/$version.$1" --unsafe-no-fsync --initial-cluster "a=${peers[0]},b=${peers[1]}" \
    --listen-client-urls "${clients[$2]}" --advertise-client-urls "${clients[$2]}" --auth-token-ttl 8 \
    --listen-peer-urls "${peers[$2]}" --initial-advertise-peer-urls "${peers[$2]}" >"$work/$1.log" 2>&1 &
  pids[$2]=$!
}

users() { etcdctl user add root:r && etcdctl user grant-role root root && etcdctl auth enable; }
get() { curl -s -o "$work/answer" -w '%{http_code}' -H "Authorization: $token" "${clients[$1]}/v3/kv/range" -d '{"key":"eA=="}'; }

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
  users >"$work/users" 2>&1
  token=$(curl -s "${clients[0]}/v3/auth/authenticate" -d '{"name":"root","password":"r"}' | jq -r .token)
  expect "$version: at the first" 200 "$(get 0)"
  expect "$version: at the second" 200 "$(get 1)"
  for ((SECONDS = 0; SECONDS <= 10;)); do sleep 0.5; used=$(get 0); done
  expect "$version: in use for 10 s, at the first" 200 "$used"
  expect "$version: in use for 10 s, at the second" 401 "$(get 1)"
  kill "${pids[@]}"
  wait "${pids[@]}" 2>/dev/null || true
done
