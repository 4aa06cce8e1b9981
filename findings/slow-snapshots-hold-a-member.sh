#!/usr/bin/env bash
# A defragmentation waits for the snapshots that are being read, and the member answers nobody until then: who takes one
# slowly, as over a narrow line, stops it for that long.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour a client reads the beginning of a snapshot of 30 MB, and then nothing for a while: puts go on. `defrag` of that
#           member meanwhile: no put and no get, serializable or not, is answered until the snapshot was read to its end;
#           then both are done
# Seen      put during the snapshot: answered; put, defragmenting: no answer
#
# Save a snapshot to a disk nearby, and not while its member is defragmented.
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

source='package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc/status"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var (
	ctx   = context.Background()
	c     = must(clientv3.New(clientv3.Config{Endpoints: os.Args[1:2], Logger: zap.NewNop()}))
	large = strings.Repeat("x", 1<<20)
)

// begin asks for a snapshot, and reads no more than its beginning.
func begin() pb.Maintenance_SnapshotClient {
	conn := c.ActiveConnection()
	s := must(pb.NewMaintenanceClient(conn).Snapshot(ctx, &pb.SnapshotRequest{}))
	must(s.Recv())
	return s
}

func finish(s pb.Maintenance_SnapshotClient) {
	for {
		if _, err := s.Recv(); err == io.EOF {
			return
		} else if err != nil {
			panic(err)
		}
	}
}

// within tells what becomes of a request in three seconds.
func within(do func(context.Context) error) string {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if err := do(ctx); err != nil {
		if ctx.Err() != nil {
			return "no answer"
		}
		return status.Code(err).String()
	}
	return "answered"
}

func put(ctx context.Context) error { _, err := c.Put(ctx, "k", "v"); return err }
func get(ctx context.Context) error {
	_, err := c.Get(ctx, "k", clientv3.WithSerializable())
	return err
}

func main() {
	for i := range 30 {
		must(c.Put(ctx, fmt.Sprint("large", i), large))
	}
	s := begin()
	fmt.Println("put during the snapshot:", within(put))
	done := make(chan error)
	go func() {
		_, err := c.Defragment(ctx, os.Args[1])
		done <- err
	}()
	time.Sleep(time.Second)
	fmt.Println("put, defragmenting:", within(put))
	fmt.Println("get, defragmenting:", within(get))
	select {
	case err := <-done:
		fmt.Println("defragmented before the snapshot was read:", err)
		done = nil
	default:
	}
	finish(s)
	if done != nil {
		fmt.Println("defragmented after the snapshot was read:", <-done)
	}
	fmt.Println("put afterwards:", within(put))
}
'
program go.etcd.io/etcd/client/v3@v3.7.3 <<<"$source"

for version in 3.5.35 3.6.16 3.7.3; do
  start $version
  expect "$version: a snapshot of which no more than its beginning was read, and a defragmentation of that member" \
    'put during the snapshot: answered
put, defragmenting: no answer
get, defragmenting: no answer
defragmented after the snapshot was read: <nil>
put afterwards: answered' "$("$work/run" "$url")"
  stop
done
