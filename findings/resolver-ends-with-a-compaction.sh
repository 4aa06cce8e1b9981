#!/usr/bin/env bash
# The gRPC resolver of etcd's client stops for good, without a word to gRPC, once etcd
# was compacted beyond what it had seen while it was cut off.
#
# Version   go.etcd.io/etcd/client/v3 3.5.35, 3.6.16, 3.7.3 (naming/resolver), etcd 3.7.3
# Behaviour a service moves while its client has no connection to etcd; once it has one
#           again calls arrive at the new address. If etcd was compacted in between the
#           client goes on dialling the old address, until it makes another connection
#           of gRPC
# Seen      moved: answered; moved and compacted: Unavailable, ten seconds later too;
#           a connection made anew: answered
#
# With --auto-compaction-retention 5m minutes without a network are enough, and clients
# that were only ever told addresses by etcd have to be started anew.
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

# program MODULE@VERSION...: builds the Go program on standard input against them.
program() {
  mkdir -p "$work/program"
  cat >"$work/program/main.go"
  (cd "$work/program" && rm -f go.mod go.sum && go mod init finding && go get "$@" . && go build -o ../run .) >"$work/install" 2>&1 ||
    { cat "$work/install" >&2; exit 1; }
}

source='package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/naming/endpoints"
	"go.etcd.io/etcd/client/v3/naming/resolver"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// wire forwards TCP while it is not cut.
type wire struct {
	mu    sync.Mutex
	cut   bool
	conns []net.Conn
}

func (w *wire) forward(l net.Listener, to string) {
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		w.mu.Lock()
		if w.cut {
			in.Close()
		} else {
			out := must(net.Dial("tcp", to))
			w.conns = append(w.conns, in, out)
			go io.Copy(in, out)
			go io.Copy(out, in)
		}
		w.mu.Unlock()
	}
}

func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	if cut {
		for _, c := range w.conns {
			c.Close()
		}
		w.conns = nil
	}
}

func listen() net.Listener { return must(net.Listen("tcp", "127.0.0.1:0")) }

func client(at string) *clientv3.Client {
	return must(clientv3.New(clientv3.Config{Endpoints: []string{at}, Logger: zap.NewNop()}))
}

// service answers until it is stopped.
func service() (string, *grpc.Server) {
	l, s := listen(), grpc.NewServer()
	healthpb.RegisterHealthServer(s, health.NewServer())
	go s.Serve(l)
	return l.Addr().String(), s
}

// call is what a call over a connection ends with, after at most ten seconds of trying.
func call(conn *grpc.ClientConn) string {
	end := time.Now().Add(10 * time.Second)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		_, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
		cancel()
		if err == nil || time.Now().After(end) {
			return status.Code(err).String()
		}
		time.Sleep(500 * time.Millisecond)
	}
}

func main() {
	ctx, at, compact := context.Background(), os.Args[1], os.Args[2] == "compact"
	near, l, w := client(at), listen(), &wire{}
	go w.forward(l, at)
	builder := must(resolver.NewBuilder(client(l.Addr().String())))
	connect := func() *grpc.ClientConn {
		return must(grpc.Dial("etcd:///service", grpc.WithResolvers(builder), grpc.WithTransportCredentials(insecure.NewCredentials())))
	}
	services := must(endpoints.NewManager(near, "service"))
	announce := func(at string) {
		if err := services.AddEndpoint(ctx, "service/only", endpoints.Endpoint{Addr: at}); err != nil {
			panic(err)
		}
	}

	old, server := service()
	announce(old)
	conn := connect()
	fmt.Print(call(conn))
	w.set(true)
	moved, _ := service()
	announce(moved)
	if now := must(near.Put(ctx, "another", "")).Header.Revision; compact {
		must(near.Compact(ctx, now))
	}
	server.Stop()
	time.Sleep(time.Second)
	w.set(false)
	fmt.Print(" ", call(conn), " ", call(connect()))
}'

start 3.7.3
for version in 3.5.35 3.6.16 3.7.3; do
  program "go.etcd.io/etcd/client/v3@v$version" <<<"$source"
  expect "client $version: before, moved, connected anew" 'OK OK OK' "$("$work/run" "${url#http://}" keep)"
  expect "client $version: before, moved and compacted, connected anew" 'OK Unavailable OK' "$("$work/run" "${url#http://}" compact)"
done
stop
