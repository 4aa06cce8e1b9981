#!/usr/bin/env bash
# The count of a range counts what min_mod_revision and its three sisters filter out.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour five keys, two of them younger than asked for: two come, count says 5
# Seen      2 keys, count 5; with a limit of 1: 1 key, count 5, more true
#
# Paging by "until count keys have come" never ends with a filter.
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

summary() { gateway kv/range "$1" | head -c -4 | jq -c '[(.kvs|length), .count, .more]'; }

for version in 3.5.35 3.6.16 3.7.3; do
  start "$version"
  for i in 1 2 3 4 5; do etcdctl put "key$i" "$i" >"$work/put"; done
  first=$(gateway kv/range "{\"key\":\"$(base64 key4)\"}" | head -c -4 | jq -r '.kvs[0].mod_revision')
  range="\"key\":\"$(base64 key)\",\"range_end\":\"$(base64 kez)\",\"min_mod_revision\":\"$first\""
  expect "$version: keys and count with a filter" '[2,"5",null]' "$(summary "{$range}")"
  expect "$version: with a limit of 1 beside it" '[1,"5",true]' "$(summary "{$range,\"limit\":\"1\"}")"
  stop
done
