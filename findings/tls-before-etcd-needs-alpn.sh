#!/usr/bin/env bash
# Who ends TLS in front of etcd has to agree on HTTP/2 by ALPN, though he only passes bytes on: otherwise curl works, and etcdctl and
# the Go client wait until their time is over, and mostly do not say why.
#
# Version   etcdctl 3.5.35, 3.6.16, 3.7.3, HAProxy 2.6.12 and stunnel 5.68 (Debian 12)
# Behaviour a member without TLS behind stunnel, or HAProxy with mode tcp and a certificate: /health is answered, a get is
#           not. HAProxy with `alpn h2` as well: both are. stunnel has no setting for it
# Seen      true, refused; true, answered
#
# etcd and its own proxies agree on it by themselves. What passes TLS on as it comes needs nothing.
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

libraries=$cache/debian-haproxy/usr/lib/x86_64-linux-gnu
debian "$cache/debian-haproxy" haproxy stunnel4 liblua5.3-0 libwrap0 libopentracing1 libopentracing-c-wrapper0

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" \
  -days 2 -subj /CN=m -addext subjectAltName=IP:127.0.0.1 2>/dev/null
cat "$work/cert.pem" "$work/key.pem" >"$work/both.pem"

start 3.7.3
unset ETCDCTL_ENDPOINTS
stunnel=$(port) plain=$(port) h2=$(port)
printf 'foreground = yes\npid =\n[etcd]\naccept = 127.0.0.1:%s\nconnect = 127.0.0.1:%s\ncert = %s\n' \
  "$stunnel" "$client" "$work/both.pem" >"$work/stunnel.conf"
cat >"$work/haproxy.cfg" <<END
defaults
  mode tcp
  timeout connect 3s
  timeout client 60s
  timeout server 60s
listen plain
  bind 127.0.0.1:$plain ssl crt $work/both.pem
  server m 127.0.0.1:$client
listen h2
  bind 127.0.0.1:$h2 ssl crt $work/both.pem alpn h2,http/1.1
  server m 127.0.0.1:$client
END
LD_LIBRARY_PATH=$libraries "$cache/debian-haproxy/usr/bin/stunnel4" "$work/stunnel.conf" >"$work/stunnel.log" 2>&1 &
LD_LIBRARY_PATH=$libraries "$cache/debian-haproxy/usr/sbin/haproxy" -f "$work/haproxy.cfg" >"$work/haproxy.log" 2>&1 &

health() { curl -s --http1.1 --cacert "$work/cert.pem" "https://127.0.0.1:$1/health" | jq -r .health; }
get() { # get VERSION PORT
  "$cache/etcd-$1/etcdctl" --cacert "$work/cert.pem" --endpoints "https://127.0.0.1:$2" --command-timeout 3s get started >"$work/out" 2>&1 &&
    echo answered || grep -o 'deadline exceeded' "$work/out" | tail -1
}

await health "$stunnel"
await health "$h2"
for version in 3.5.35 3.6.16 3.7.3; do
  install "$version"
  expect "etcdctl $version through stunnel: /health, and a get" 'true, deadline exceeded' "$(health "$stunnel"), $(get "$version" "$stunnel")"
  expect "etcdctl $version through HAProxy" 'true, deadline exceeded' "$(health "$plain"), $(get "$version" "$plain")"
  expect "etcdctl $version through HAProxy with alpn" 'true, answered' "$(health "$h2"), $(get "$version" "$h2")"
done
