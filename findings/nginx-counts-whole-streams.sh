#!/usr/bin/env bash
# nginx in front of etcd takes all that a client ever sends on a stream for one upload of 1 MiB at
# most: watches and keep-alives of a busy client are cut again and again, with no error for it.
#
# Version   nginx 1.22.1 (Debian 12), etcd 3.7.3 and its Go client
# Behaviour grpc_pass, otherwise as it comes: a put of 1.2 MB, which etcd takes, is HTTP 413 and
#           Unknown; keep-alives are cut after some 60,000; 60 watches whose keys have 1.2 MB together
#           are cut while they are set up, and set up again, several times a second and
#           without an end. With client_max_body_size 0 all of it works
# Seen      Unknown, cut, over 20; stored, not cut, a few
#
# Nothing says so but nginx's log, and etcd has the work of it.
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

# program MODULE@VERSION...: builds the Go program on standard input against them.
program() {
  mkdir -p "$work/program"
  cat >"$work/program/main.go"
  (cd "$work/program" && rm -f go.mod go.sum && go mod init finding && go get "$@" . && go build -o ../run .) >"$work/install" 2>&1 ||
    { cat "$work/install" >&2; exit 1; }
}

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

debian "$cache/debian-nginx" nginx

source='package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// watch makes watches with 1.2 MB of keys together, and keeps them for a while.
func watch(ctx context.Context, c *clientv3.Client) {
	for i := range 60 {
		c.Watch(ctx, fmt.Sprint(strings.Repeat("k", 20000), i))
	}
	time.Sleep(8 * time.Second)
}

// alive keeps a lease alive 100,000 times on one stream.
func alive(ctx context.Context, at string, id clientv3.LeaseID) string {
	conn := must(grpc.NewClient(at, grpc.WithTransportCredentials(insecure.NewCredentials())))
	stream := must(pb.NewLeaseClient(conn).LeaseKeepAlive(ctx))
	for range 100 {
		for range 1000 {
			if stream.Send(&pb.LeaseKeepAliveRequest{ID: int64(id)}) != nil {
				return "cut"
			}
		}
		for range 1000 {
			if _, err := stream.Recv(); err != nil {
				return "cut"
			}
		}
	}
	return "not cut"
}

func main() {
	ctx := context.Background()
	c := must(clientv3.New(clientv3.Config{Endpoints: os.Args[1:], Logger: zap.NewNop()}))
	_, err := c.Put(ctx, "large", strings.Repeat("x", 1200000))
	put := "stored"
	if err != nil {
		put = status.Code(err).String()
	}
	fmt.Printf("%s, %s\n", put, alive(ctx, os.Args[1], must(c.Grant(ctx, 600)).ID))
	watch(ctx, c)
}
'
program go.etcd.io/etcd/client/v3@v3.7.3 <<<"$source"

# through LINE says what works through nginx, with LINE in its configuration.
through() {
  local front
  front=$(port)
  cat >"$work/nginx.conf" <<END
daemon off;
master_process off;
pid $work/nginx.pid;
error_log $work/nginx.log;
events {}
http {
  access_log $work/access.log;
  client_body_temp_path $work/body; proxy_temp_path $work/proxy; fastcgi_temp_path $work/fastcgi;
  uwsgi_temp_path $work/uwsgi; scgi_temp_path $work/scgi;
  server {
    listen 127.0.0.1:$front http2;
    $1
    location / { grpc_pass grpc://127.0.0.1:$client; }
  }
}
END
  "$cache/debian-nginx/usr/sbin/nginx" -p "$work" -c "$work/nginx.conf" 2>"$work/nginx.log" &
  await env ETCDCTL_ENDPOINTS="127.0.0.1:$front" etcdctl get started
  : >"$work/access.log"
  "$work/run" "127.0.0.1:$front"
  if [ "$(grep -c Watch/Watch "$work/access.log")" -gt 20 ]; then echo 'over 20'; else echo 'a few'; fi
  kill $!
}

start 3.7.3
expect 'a put of 1.2 MB, 100,000 keep-alives, and streams of 60 watches with 1.2 MB of keys in 8 s' 'Unknown, cut
over 20' "$(through '')"
expect 'the same with client_max_body_size 0' 'stored, not cut
a few' "$(through 'client_max_body_size 0;')"
stop
