#!/usr/bin/env bash
# Where members have different --max-learners, each takes a new learner or does not by its own
# limit: their lists of members differ from then on, and all are healthy.
#
# Version   etcd 3.6.16, 3.7.3 (3.5.35 has no such flag)
# Behaviour the leader with 2, the others with 1: the second learner is added, without an
#           error; the leader has 5 members, the others 4, after a restart too
# Seen      5; 4; is healthy
#
# So it is while the flag is changed member by member. Add no learner before all have it.
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
    --max-learners "$(limit "$1")" --listen-client-urls "${clients[$1]}" --advertise-client-urls "${clients[$1]}" \
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

# The first of the three has another limit than the others.
limit() { if [ "$1" = 0 ]; then echo 2; else echo 1; fi; }
members() { etcdctl --endpoints "${clients[$1]}" member list | wc -l; }
add() { etcdctl --endpoints "${clients[0]}" member add "$1" --learner --peer-urls "http://127.0.0.1:$(port)"; }

for version in 3.6.16 3.7.3; do
  install $version
  export PATH="$cache/etcd-$version:$PATH"
  clients=() peers=() pids=() ids=()
  three
  [ "$leader" = 0 ] || etcdctl --endpoints "${clients[$leader]}" move-leader "$(printf %x "${ids[0]}")" >"$work/move"
  await add l1
  expect "$version: members after the first learner" '4 4 4' "$(members 0) $(members 1) $(members 2)"
  expect "$version: the second learner" 'added as learner' "$(add l2 | grep -o 'added as learner')"
  expect "$version: members after the second" '5 4 4' "$(members 0) $(members 1) $(members 2)"
  restart 1
  expect "$version: the same, the second member restarted" '5 4 4' "$(members 0) $(members 1) $(members 2)"
  for i in 0 1 2; do
    expect "$version: health of member $i" 'is healthy' "$(etcdctl --endpoints "${clients[$i]}" endpoint health 2>&1 | grep -o 'is healthy')"
  done
  kill -KILL "${pids[@]}"
  wait "${pids[@]}" 2>"$work/killed" || true
done
