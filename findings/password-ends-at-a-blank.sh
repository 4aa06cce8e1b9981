#!/usr/bin/env bash
# A password that etcdctl reads from standard input ends at its first blank, without a word.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour echo 'two words' | etcdctl user add u --interactive=false: the password is
#           "two", as with `user passwd`; --new-user-password and NAME:PASSWORD take both words
# Seen      authentication failed, invalid user ID or password
#
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
  local version=$1
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

login() { # login USER:PASSWORD: whether he is let in, though nothing may be read
  etcdctl --user "$1" get started >"$work/out" 2>&1 || true
  grep -o 'permission denied\|invalid user ID or password' "$work/out" | head -1
}

for version in 3.5.35 3.6.16 3.7.3; do
  start $version --bcrypt-cost 4
  {
    etcdctl user add root:r && etcdctl user grant-role root root
    etcdctl user add a --interactive=false <<<'two words'
    etcdctl user add b:x && etcdctl user passwd b --interactive=false <<<'two words'
    etcdctl user add c --new-user-password 'two words' && etcdctl user add 'd:two words'
    etcdctl auth enable
  } >"$work/users"
  for user in a b; do
    expect "$version: $user, the password as it was typed" 'invalid user ID or password' "$(login "$user:two words")"
    expect "$version: $user, its first word" 'permission denied' "$(login "$user:two")"
  done
  for user in c d; do
    expect "$version: $user, both words" 'permission denied' "$(login "$user:two words")"
  done
  stop
done
