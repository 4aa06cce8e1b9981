#!/usr/bin/env bash
# Debian's patroni does not start with users in an etcd of today: it asks for the members before it
# has a token, which etcd refuses.
#
# Version   patroni 3.0.2 (Debian 12), etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour etcd3 with the name and password of a user who may read and write below /service/:
#           "waiting on etcd", and so for good, where it goes on at once without users. The
#           same user puts a key by etcdctl
# Seen      waiting on etcd
#
# Certificates with the user as common name, or no users, are left.
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
  python3-psutil python3-urllib3 python3-yaml python3-psycopg2 python3-etcd python3-dnspython python3-six libpq5
export PYTHONPATH="$packages/usr/lib/python3/dist-packages"

# waits says whether patroni waits for etcd, with the options for it. PostgreSQL is not reached.
waits() {
  cat >"$work/node.yml" <<END
scope: pg
name: one
restapi: {listen: "127.0.0.1:$(port)", connect_address: "127.0.0.1:8008"}
etcd3: {hosts: ["127.0.0.1:$client"]$1}
postgresql:
  listen: 127.0.0.1:$(port)
  connect_address: 127.0.0.1:5432
  data_dir: $work/data
  bin_dir: $work
  authentication: {superuser: {username: postgres, password: x}, replication: {username: replicator, password: x}}
END
  timeout 20 /usr/bin/python3 "$packages/usr/bin/patroni" "$work/node.yml" >"$work/patroni.log" 2>&1 || true
  if [ "$(grep -c 'waiting on etcd' "$work/patroni.log")" -gt 1 ]; then echo waits; else echo 'goes on'; fi
}

for version in 3.5.35 3.6.16 3.7.3; do
  start $version --bcrypt-cost 4
  expect "$version: without users" 'goes on' "$(waits '')"
  {
    etcdctl user add root:secret
    etcdctl user grant-role root root
    etcdctl user add patroni:secret
    etcdctl role add patroni
    etcdctl role grant-permission patroni readwrite --prefix /service/
    etcdctl user grant-role patroni patroni
    etcdctl auth enable
  } >"$work/users"
  expect "$version: the user by etcdctl" OK "$(etcdctl --user patroni:secret put /service/pg/x y)"
  expect "$version: with users" waits "$(waits ', username: patroni, password: secret')"
  stop
done
