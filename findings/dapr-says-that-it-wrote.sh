#!/usr/bin/env bash
# dapr's state store for etcd tells a writer that it wrote with the right ETag when another was
# faster and nothing was written, and lists a part of the keys for all.
#
# Version   github.com/dapr/components-contrib 1.18.0 (state/etcd), etcd 3.7.3
# Behaviour Set with an ETag does not look at whether its transaction succeeded: of 200
#           additions to a counter that returned no error, by 8 at once, some 40 count. With
#           first-write and no ETag several are the first. KeysLike by pages leaves out
#           the other keys of the transaction with which a page ends; without pages it
#           ends with key 8192 and says that there are no more
# Seen      counter below 200; several first ones; 3 of 10; 8192 of 10000
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

source='package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/state"
	"github.com/dapr/components-contrib/state/etcd"
	"github.com/dapr/kit/logger"
	clientv3 "go.etcd.io/etcd/client/v3"
)

var stores []store // one for each of those who write

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

type store interface {
	state.Store
	state.TransactionalStore
	KeysLike(context.Context, *state.KeysLikeRequest) (*state.KeysLikeResponse, error)
}

func open() store {
	s := etcd.NewEtcdStateStoreV2(logger.NewLogger("x")).(store)
	properties := map[string]string{"endpoints": os.Args[1], "keyPrefixPath": "app"}
	if err := s.Init(context.Background(), state.Metadata{Base: metadata.Base{Properties: properties}}); err != nil {
		panic(err)
	}
	return s
}

// each runs f with all stores at once.
func each(f func(store)) {
	var all sync.WaitGroup
	for _, s := range stores {
		all.Go(func() { f(s) })
	}
	all.Wait()
}

func mismatch(err error) bool {
	var tag *state.ETagError
	return errors.As(err, &tag) && tag.Kind() == state.ETagMismatch
}

// count has each add 1 to a counter, with its ETag, until it was told 25 times that it did.
func count(ctx context.Context) int {
	if err := stores[0].Set(ctx, &state.SetRequest{Key: "counter", Value: []byte("0")}); err != nil {
		panic(err)
	}
	each(func(s store) {
		for done := 0; done < 25; {
			was := must(s.Get(ctx, &state.GetRequest{Key: "counter"}))
			n := must(strconv.Atoi(string(was.Data)))
			err := s.Set(ctx, &state.SetRequest{Key: "counter", Value: []byte(strconv.Itoa(n + 1)), ETag: was.ETag})
			if err == nil {
				done++
			} else if !mismatch(err) {
				panic(err)
			}
		}
	})
	return must(strconv.Atoi(string(must(stores[0].Get(ctx, &state.GetRequest{Key: "counter"})).Data)))
}

// first has every writer be the first one, of one key after another, until two were told that they were.
func first(ctx context.Context) {
	for i := range 200 {
		var firsts atomic.Int64
		each(func(s store) {
			request := state.SetRequest{Key: fmt.Sprint("first-", i), Value: []byte("x"), Options: state.SetStateOption{Concurrency: state.FirstWrite}}
			if s.Set(ctx, &request) == nil {
				firsts.Add(1)
			}
		})
		if firsts.Load() > 1 {
			fmt.Println("several first ones")
			return
		}
	}
	fmt.Println("one first one")
}

// list returns how many keys there are, as KeysLike has it.
func list(ctx context.Context, pattern string, page uint32) int {
	keys, request := map[string]bool{}, state.KeysLikeRequest{Pattern: pattern}
	if page > 0 {
		request.PageSize = &page
	}
	for {
		answer := must(stores[0].KeysLike(ctx, &request))
		for _, key := range answer.Keys {
			keys[key] = true
		}
		if request.ContinuationToken = answer.ContinuationToken; request.ContinuationToken == nil {
			return len(keys)
		}
	}
}

// many puts 10,000 keys, each by itself.
func many(ctx context.Context) {
	c := must(clientv3.New(clientv3.Config{Endpoints: os.Args[1:]}))
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for range 200 {
				must(c.Put(ctx, fmt.Sprint("app/many-", next.Add(1)), "x"))
			}
		})
	}
	all.Wait()
}

var next atomic.Int64

func main() {
	ctx := context.Background()
	for range 8 {
		stores = append(stores, open())
	}
	if n := count(ctx); n < 200 {
		fmt.Println("counter below 200")
	} else {
		fmt.Println("counter", n)
	}
	first(ctx)
	var ten state.TransactionalStateRequest
	for i := range 10 {
		ten.Operations = append(ten.Operations, state.SetRequest{Key: fmt.Sprint("ten-", i), Value: []byte("x")})
	}
	if err := stores[0].Multi(ctx, &ten); err != nil {
		panic(err)
	}
	fmt.Println("ten of one transaction, by pages of three:", list(ctx, "ten-%", 3))
	many(ctx)
	fmt.Println("ten thousand, without a page size:", list(ctx, "many-%", 0))
}
'
program github.com/dapr/components-contrib@v1.18.0 <<<"$source"

start 3.7.3
"$work/run" "127.0.0.1:$client" >"$work/seen"
expect 'what they were told and what is there' 'counter below 200
several first ones
ten of one transaction, by pages of three: 3
ten thousand, without a page size: 8192' "$(cat "$work/seen")"
stop
