#!/usr/bin/env bash
# A JSON web token ends its life with any change to any user or role, whatever its
# expiry says; a simple token lives on, but does not outlive its member's restart,
# which a JWT does.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour a token valid for an hour, another user added: 400, revision of auth
#           store is old; a simple token: 200; after a restart: JWT 200, simple 401
# Seen      400 and 200; 200 and 401
#
# The Go client and etcdctl fetch another token by themselves; what keeps one (curl,
# a gateway's client) fails for everybody whenever somebody adds a user.
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

# gateway CALL JSON prints the answer without blanks, and then the HTTP status.
gateway() { curl -s -w ' %{http_code}' "$url/v3/$1" -d "$2" | sed 's/, "/,"/g'; }
base64() { printf %s "$1" | command base64; }

openssl genrsa -out "$work/key.pem" 2048 2>"$work/out"
openssl rsa -in "$work/key.pem" -pubout -out "$work/pub.pem" 2>"$work/out"
jwt="jwt,pub-key=$work/pub.pem,priv-key=$work/key.pem,sign-method=RS256,ttl=1h"

token() { curl -s "$url/v3/auth/authenticate" -d '{"name":"app","password":"a"}' | jq -r .token; }
get() { curl -s -o "$work/answer" -w '%{http_code}' -H "Authorization: $token" "$url/v3/kv/range" -d "{\"key\":\"$(base64 app)\"}"; }
users() {
  etcdctl user add root:r && etcdctl user grant-role root root
  etcdctl user add app:a && etcdctl role add app && etcdctl role grant-permission app readwrite app
  etcdctl user grant-role app app && etcdctl auth enable
}
answering() { curl -s "$url/health" | grep -q true; }
restart() { # restart VERSION KIND: start asks with no password, which is an answer, too
  kill "$pid"; wait "$pid" 2>/dev/null || true
  "$cache/etcd-$1/etcd" --name m --data-dir "$work/$1.etcd" --auth-token "$2" \
    --listen-client-urls "$url" --advertise-client-urls "$url" --listen-peer-urls "http://127.0.0.1:$(port)" \
    >"$work/$1.log" 2>&1 &
  pid=$!
  await answering
}

for version in 3.5.35 3.6.16 3.7.3; do
  for kind in "$jwt 400 200" "simple 200 401"; do
    read -r option changed restarted <<<"$kind"
    start "$version" --auth-token "$option"
    users >"$work/users" 2>&1
    token=$(token)
    expect "$version: ${option%%,*}: before" 200 "$(get)"
    etcdctl --user root:r user add other:o >"$work/users"
    expect "$version: ${option%%,*}: another user added" "$changed" "$(get)"
    token=$(token)
    restart "$version" "$option"
    expect "$version: ${option%%,*}: after a restart" "$restarted" "$(get)"
    stop
    rm -rf "$work/$version.etcd"
  done
done
