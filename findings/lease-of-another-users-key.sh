#!/usr/bin/env bash
# With users enabled a lease is of those who may write all of its keys: a put of one's own
# key with a lease that has another's is refused, and so is its end by who granted it.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour u and v may write below /u/ and /v/. v grants a lease, u puts /u/a with it:
#           v may not put /v/a with it, nor keep it alive, nor revoke it, nor list its keys,
#           but ask for its time; u may keep it alive; once /u/a is deleted v may again
# Seen      permission denied four times, OK; OK; OK
#
# The words are those of a key without a permission, and name no lease. Of two users who
# share one, one can't keep it. Give each user leases of his own.
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

as() { # as USER COMMAND...: OK, or the refusal
  local user=$1 out
  shift
  if out=$(etcdctl --user "$user:p" "$@" 2>&1); then echo OK; else grep -o 'permission denied' <<<"$out" | tail -1; fi
}

users() {
  etcdctl user add root:p && etcdctl user grant-role root root
  for user in u v; do
    etcdctl user add $user:p && etcdctl role add $user && etcdctl role grant-permission $user readwrite "/$user/" --prefix && etcdctl user grant-role $user $user
  done
  etcdctl auth enable
}

for version in 3.5.35 3.6.16 3.7.3; do
  start $version --bcrypt-cost 4
  users >"$work/users" 2>&1
  lease=$(etcdctl --user v:p lease grant 600 | cut -d' ' -f2)
  expect "$version: u puts his key with it" OK "$(as u put /u/a 1 --lease "$lease")"
  expect "$version: v puts his key with it" 'permission denied' "$(as v put /v/a 1 --lease "$lease")"
  expect "$version: v keeps it alive" 'permission denied' "$(as v lease keep-alive --once "$lease")"
  expect "$version: u keeps it alive" OK "$(as u lease keep-alive --once "$lease")"
  expect "$version: v revokes it" 'permission denied' "$(as v lease revoke "$lease")"
  expect "$version: v asks for its keys" 'permission denied' "$(as v lease timetolive "$lease" --keys)"
  expect "$version: v asks for its time" OK "$(as v lease timetolive "$lease")"
  expect "$version: u deletes his key" OK "$(as u del /u/a)"
  expect "$version: v puts his key with it then" OK "$(as v put /v/a 1 --lease "$lease")"
  expect "$version: v keeps it alive then" OK "$(as v lease keep-alive --once "$lease")"
  expect "$version: v revokes it then" OK "$(as v lease revoke "$lease")"
  stop
done
