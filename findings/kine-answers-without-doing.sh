#!/usr/bin/env bash
# kine, the stand-in for etcd that k3s uses, says yes to some requests of etcdctl and
# does nothing, or something else than etcd.
#
# Version   kine 0.17.5 on SQLite, etcdctl 3.7.3
# Behaviour `compaction R`: "compacted revision R", and what was before it is still
#           readable; `get --from-key`: no key, exit 0; `put ''` and a value of 2 MB:
#           stored, where etcd refuses both; `get --sort-by` and `del`: refused; two
#           leases of one length are one lease
# Seen      as above
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

install 3.7.3
kine=$cache/kine-0.17.5
if [ ! -x "$kine" ]; then # SQLite takes minutes the first time
  mkdir -p "$work/kine"
  (cd "$work/kine" && go mod init finding && go get github.com/k3s-io/kine@v0.17.5 && go build -o "$kine" github.com/k3s-io/kine) >"$work/install" 2>&1 ||
    { cat "$work/install" >&2; exit 1; }
fi
at=127.0.0.1:$(port)
(cd "$work" && exec "$kine" --listen-address "tcp://$at" --metrics-bind-address 0 --endpoint "sqlite://$work/kine.db?_journal=WAL&cache=shared") >"$work/kine.log" 2>&1 &
export PATH="$cache/etcd-3.7.3:$PATH" ETCDCTL_ENDPOINTS=$at
await etcdctl put a 1
for i in 2 3; do etcdctl put a "$i" >"$work/put"; done

revision=$(etcdctl get a -w json | jq .header.revision)
expect 'compaction' "compacted revision $revision" "$(etcdctl compaction "$revision")"
expect 'two revisions before that' 1 "$(etcdctl get a --rev $((revision - 2)) --print-value-only)"
expect 'get --from-key' '' "$(etcdctl get a --from-key)"
expect 'an empty key' OK "$(etcdctl put '' x)"
head -c 2000000 /dev/zero | tr '\0' x >"$work/value"
expect 'a value of 2 MB' OK "$(etcdctl put big <"$work/value")"
refusal() { "$@" 2>&1 | grep -o 'code = [A-Za-z]*' | tail -1 || true; }
expect 'get --sort-by' 'code = Unimplemented' "$(refusal etcdctl get a --prefix --sort-by MODIFY)"
expect 'del' 'code = Unimplemented' "$(refusal etcdctl del a)"
expect 'a lease of 600 s' 'lease 0000000000000258 granted with TTL(600s)' "$(etcdctl lease grant 600)"
expect 'another lease of 600 s' 'lease 0000000000000258 granted with TTL(600s)' "$(etcdctl lease grant 600)"
