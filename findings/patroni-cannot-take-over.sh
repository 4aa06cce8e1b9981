#!/usr/bin/env bash
# With an alarm NOSPACE in etcd patroni goes on as if nothing were the matter, and when its primary is
# lost nobody takes over, until the alarm is disarmed.
#
# Version   patroni 3.0.2, postgresql-15 (Debian 12), etcd 3.7.3
# Behaviour two nodes; the alarm is up for 30 s: the primary is the primary, as a lease that is
#           there is kept alive. It is killed: its key is gone, and the replica can't write
#           its own, a minute later; once the alarm is disarmed it is primary. All that its log
#           says of why is Unknown error: 'None'
# Seen      primary; none; primary
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

# debian FOLDER PACKAGE...: unpacks Debian's packages there, once.
debian() {
  local folder=$1 package
  shift
  for package in "$@"; do
    [ -e "$folder/usr/share/doc/$package" ] && continue
    mkdir -p "$work/debian" "$folder"
    (cd "$work/debian" && apt-get download "$package" && dpkg -x "$package"_*.deb "$folder") >"$work/install" 2>&1 ||
      { cat "$work/install" >&2; exit 1; }
  done
}

packages=$cache/debian-patroni
debian "$packages" patroni python3-cdiff python3-click python3-dateutil python3-pkg-resources python3-prettytable python3-wcwidth \
  python3-psutil python3-urllib3 python3-yaml python3-psycopg2 python3-etcd python3-dnspython python3-six postgresql-15 \
  postgresql-client-15 libpq5
export PYTHONPATH="$packages/usr/lib/python3/dist-packages"
chmod 755 "$work"

# node NAME starts a node of patroni, as nobody, as PostgreSQL refuses root. Its process is $node.
node() {
  local at=$work/$1
  mkdir "$at"
  chown nobody "$at"
  declare -g "rest_$1=$(port)"
  local rest=rest_$1 database
  database=$(port)
  cat >"$at.yml" <<END
scope: pg
name: $1
restapi: {listen: "127.0.0.1:${!rest}", connect_address: "127.0.0.1:${!rest}"}
etcd3: {hosts: ["127.0.0.1:$client"]}
bootstrap:
  dcs: {ttl: 20, loop_wait: 2, retry_timeout: 3}
postgresql:
  listen: 127.0.0.1:$database
  connect_address: 127.0.0.1:$database
  data_dir: $at/data
  bin_dir: $packages/usr/lib/postgresql/15/bin
  pgpass: $at/pgpass
  authentication: {superuser: {username: postgres, password: x}, replication: {username: replicator, password: x}}
  pg_hba: ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust", "local all all trust"]
  parameters: {unix_socket_directories: $at, shared_buffers: 16MB}
END
  (cd "$at" && HOME=$at exec setpriv --reuid nobody --regid nogroup --clear-groups \
    /usr/bin/python3 "$packages/usr/bin/patroni" "$at.yml") >"$at.log" 2>&1 &
  node=$!
}
is() { curl -fsS "http://127.0.0.1:$1/$2"; } # is PORT ROLE
primary() { # who is it, of the nodes that are given
  local name rest
  for name in "$@"; do
    rest=rest_$name
    is "${!rest}" primary >"$work/asked" 2>&1 && echo "$name" && return
  done
  echo none
}
leaderless() { [ -z "$(etcdctl get /service/pg/leader)" ]; }

start 3.7.3 --quota-backend-bytes 16777216
node one; one=$node
await is "$rest_one" primary
node two; two=$node
await is "$rest_two" replica
head -c 1000000 /dev/zero >"$work/big"
while etcdctl put filler <"$work/big" >"$work/put" 2>&1; do :; done
sleep 30
expect 'the primary, the alarm up for half a minute' one "$(primary one two)"
kill -KILL $one "$(head -1 "$work/one/data/postmaster.pid")"
await leaderless
sleep 60
expect 'the primary, a minute after its key went' none "$(primary two)"
expect 'what the log says of it' "Unknown error: 'None', code: 2" "$(grep -o "Unknown error: 'None', code: 2" "$work/two.log" | tail -1)"
etcdctl compaction "$(etcdctl get filler --keys-only -w fields | awk '/"Revision"/ { print $3 }')" >"$work/compacted"
etcdctl defrag >"$work/defragmented"
etcdctl alarm disarm >"$work/disarmed"
await is "$rest_two" primary
expect 'the primary, the alarm disarmed' two "$(primary two)"
kill $two && wait $two || true
stop
