#!/usr/bin/env bash
# Of endpoints with http:// and https:// the client asks all as the first one says, and never reaches the others.
#
# Version   etcdctl 3.5.35, 3.6.16, 3.7.3, and so the Go client
# Behaviour a member that serves http at one port and https at another: either alone is asked. Nobody at the first
#           endpoint, and the member at the second by the other scheme: no answer; by the same scheme: an answer
# Seen      failed; failed; v
#
# So while a cluster goes over to TLS member by member, a client with the endpoints of both has fewer than it was
# given, and none once the member that is first is down.
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

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" \
  -days 2 -subj /CN=m -addext subjectAltName=IP:127.0.0.1 2>/dev/null
asked() { # asked ENDPOINTS: what a get gives
  if etcdctl --endpoints "$1" --cacert "$work/cert.pem" --command-timeout 3s get k --print-value-only >"$work/out" 2>&1; then
    cat "$work/out"
  else
    echo failed
  fi
}

for version in 3.5.35 3.6.16 3.7.3; do
  tls=https://127.0.0.1:$(port) nobody=127.0.0.1:$(port)
  install $version
  url=http://127.0.0.1:$(port) peer=http://127.0.0.1:$(port)
  export PATH="$cache/etcd-$version:$PATH" 
  etcd --name m --data-dir "$work/$version.etcd" --unsafe-no-fsync --listen-client-urls "$url,$tls" --advertise-client-urls "$url" \
    --cert-file "$work/cert.pem" --key-file "$work/key.pem" --initial-cluster "m=$peer" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" >"$work/$version.log" 2>&1 &
  pid=$!
  await etcdctl --endpoints "$url" put k v
  expect "$version: http" v "$(asked "$url")"
  expect "$version: https" v "$(asked "$tls")"
  expect "$version: nobody by http, and https" failed "$(asked "http://$nobody,$tls")"
  expect "$version: nobody by https, and http" failed "$(asked "https://$nobody,$url")"
  expect "$version: nobody by https, and https" v "$(asked "https://$nobody,$tls")"
  kill "$pid"; wait "$pid" 2>/dev/null || true
done
