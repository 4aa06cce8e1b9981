#!/usr/bin/env bash
# /health of etcd is refused to HEAD, and to OPTIONS it says 200 whatever is the matter: so do
# all paths, those that are not there too.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour HEAD of /health, /livez, /readyz: 405. OPTIONS at the client port: 200, with an
#           alarm up too; at --listen-metrics-urls: 405
# Seen      405; 200; 503 for GET at the same moment
#
# OPTIONS is what HAProxy's `option httpchk` asks with unless told, and HEAD what wget
# --spider and some probes ask with.
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

code() { # code METHOD URL
  curl -s -m 10 -o "$work/body" -w '%{http_code}' $([ "$1" = HEAD ] && echo --head || echo -X "$1") "$2"
}

for version in 3.5.35 3.6.16 3.7.3; do
  metrics=http://127.0.0.1:$(port)
  start $version --listen-metrics-urls "$metrics"
  for path in health livez readyz; do
    expect "$version: GET /$path" 200 "$(code GET "$url/$path")"
    expect "$version: HEAD /$path" 405 "$(code HEAD "$url/$path")"
  done
  expect "$version: OPTIONS of what is not there" 200 "$(code OPTIONS "$url/nothing")"
  curl -s "$url/v3/maintenance/alarm" -d "{\"action\":\"ACTIVATE\",\"memberID\":1,\"alarm\":\"NOSPACE\"}" >"$work/alarm"
  expect "$version: GET /health with an alarm" 503 "$(code GET "$url/health")"
  expect "$version: OPTIONS /health with an alarm" 200 "$(code OPTIONS "$url/health")"
  expect "$version: the same at the metrics port" 405 "$(code OPTIONS "$metrics/health")"
  stop
done
