#!/usr/bin/env bash
# With users enabled, a Go client can begin no more watches once the one that it has is older than its
# token: gets, puts and the watch itself go on.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3, with the Go client 3.7.3
# Behaviour all watches of a client share a stream, which keeps the token that it was opened with. A second watch
#           after --auth-token-ttl (5 minutes unless told, 3 s here) without a request by that token, as of a client
#           that only watches, or has opened another stream since, to keep a lease alive: invalid auth token. With
#           JSON web tokens, after any change of a user: revision of auth store is old. Again and
#           again, as the client renews no token of a stream that is open. A watch of another context
#           (WithRequireLeader) or of another client begins
# Seen      invalid auth token; revision of auth store is old; begins
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

# program MODULE@VERSION...: builds the Go program on standard input against them.
program() {
  mkdir -p "$work/program"
  cat >"$work/program/main.go"
  (cd "$work/program" && rm -f go.mod go.sum && go mod init finding && go get "$@" . && go build -o ../run .) >"$work/install" 2>&1 ||
    { cat "$work/install" >&2; exit 1; }
}

openssl genrsa -out "$work/jwt.pem" 2048 2>"$work/openssl.log"
openssl rsa -in "$work/jwt.pem" -pubout -out "$work/jwt.pub" 2>"$work/openssl.log"

source='package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func open() *clientv3.Client {
	return must(clientv3.New(clientv3.Config{Endpoints: os.Args[1:2], Username: "bob", Password: "p", Logger: zap.NewNop()}))
}

// watched says how a watch begins.
func watched(ctx context.Context, c *clientv3.Client) string {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	r, ok := <-c.Watch(ctx, "k/second", clientv3.WithCreatedNotify())
	switch {
	case !ok:
		return "nothing"
	case r.Err() != nil:
		_, what, _ := strings.Cut(r.Err().Error(), "etcdserver: ")
		return what
	}
	return "begins"
}

func main() {
	ctx := context.Background()
	c := open()
	first := c.Watch(ctx, "k/first", clientv3.WithCreatedNotify())
	<-first
	switch os.Args[2] {
	case "idle":
		time.Sleep(8 * time.Second)
	case "lease":
		must(c.KeepAlive(ctx, must(c.Grant(ctx, 60)).ID))
		for range 80 {
			must(c.Get(ctx, "k/x"))
			time.Sleep(100 * time.Millisecond)
		}
	case "user":
		must(exec.Command("etcdctl", "--user", "root:r", "user", "add", "carol:p").CombinedOutput())
	}
	must(c.Put(ctx, "k/x", ""))
	fmt.Println("another:", watched(ctx, c))
	fmt.Println("again:", watched(ctx, c))
	fmt.Println("of another context:", watched(clientv3.WithRequireLeader(ctx), c))
	fmt.Println("of another client:", watched(ctx, open()))
	must(c.Put(ctx, "k/first", "1"))
	fmt.Println("the first one has", len((<-first).Events))
}
'
program go.etcd.io/etcd/client/v3@v3.7.3 <<<"$source"

users() {
  {
    etcdctl user add root:r
    [ "$1" != 3.5.35 ] || etcdctl role add root
    etcdctl user grant-role root root
    etcdctl user add bob:p
    etcdctl role add r
    etcdctl role grant-permission r --prefix readwrite k/
    etcdctl user grant-role bob r
    etcdctl auth enable
  } >"$work/users" 2>&1 || { cat "$work/users" >&2; exit 1; }
}

# seen REASON is what a client sees of whose watches REASON keeps others from beginning.
seen() {
  printf 'another: %s\nagain: %s\nof another context: begins\nof another client: begins\nthe first one has 1' "$1" "$1"
}

for version in 3.5.35 3.6.16 3.7.3; do
  start $version --auth-token-ttl 3
  users $version
  expect "$version: a client that only watches" "$(seen 'invalid auth token')" "$("$work/run" "$url" idle)"
  expect "$version: a client that keeps a lease alive since" "$(seen 'invalid auth token')" "$("$work/run" "$url" lease)"
  stop
  rm -rf "$work/$version.etcd"
  start $version --auth-token "jwt,pub-key=$work/jwt.pub,priv-key=$work/jwt.pem,sign-method=RS256,ttl=10m"
  users $version
  expect "$version: a web token, and another user" "$(seen 'revision of auth store is old')" "$("$work/run" "$url" user)"
  stop
done
