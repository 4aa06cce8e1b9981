#!/usr/bin/env bash
# The traces of etcd: none as tracing is enabled, all that clients ask for, no errors, other names in
# each release, and in 3.7 the keys.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour enabled without a sampling rate: no span, but of a request whose traceparent says that
#           it is sampled. With all sampled: a put that is refused (lease not found) is no error
#           of its span, and the attribute with its code is another one with another
#           value in 3.7. 3.7 has a span of its own with the key beside it. A traceparent at the JSON
#           gateway is not taken over
# Seen      KV/Range given; KV/Put rpc.grpc.status_code=5, in 3.7 rpc.response.status_code=NOT_FOUND and
#           put key=secret
#
# What counts errors by the status of a span sees none, and keys go out in clear text, as there is
# no TLS for it.
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
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

type sink struct {
	collector.UnimplementedTraceServiceServer
}

// Export prints each span: its name, whether it is of the trace that was given, or an error, and some of its attributes.
func (sink) Export(_ context.Context, r *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	for _, resource := range r.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			for _, span := range scope.Spans {
				line := span.Name
				if fmt.Sprintf("%x", span.TraceId) == os.Args[3] {
					line += " given"
				}
				if span.Status.GetCode() != 0 {
					line += " error"
				}
				for _, a := range span.Attributes {
					if strings.HasSuffix(a.Key, "status_code") || a.Key == "key" {
						line += " " + a.Key + "=" + cmp.Or(a.Value.GetStringValue(), fmt.Sprint(a.Value.GetIntValue()))
					}
				}
				fmt.Println(line)
			}
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

// ask puts, gets as a part of a trace, and puts with a lease that is not there.
func ask() {
	c := must(clientv3.New(clientv3.Config{Endpoints: os.Args[2:3], Logger: zap.NewNop()}))
	ctx := context.Background()
	must(c.Put(ctx, "secret", ""))
	must(c.Get(metadata.AppendToOutgoingContext(ctx, "traceparent", "00-"+os.Args[3]+"-00f067aa0ba902b7-01"), "x"))
	if _, err := c.Put(ctx, "secret", "", clientv3.WithLease(1)); err == nil {
		panic("put with a lease that is not there")
	}
}

func main() {
	if os.Args[1] == "ask" {
		ask()
		return
	}
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, sink{})
	panic(server.Serve(must(net.Listen("tcp", os.Args[2]))))
}
'
program go.etcd.io/etcd/client/v3@v3.7.3 go.opentelemetry.io/proto/otlp@v1.9.0 <<<"$source"

trace=4bf92f3577b34da6a3ce929d0e0e4736

# spans VERSION FLAG... prints the spans of requests to a member with these flags.
spans() {
  local to
  to=127.0.0.1:$(port)
  "$work/run" collect "$to" $trace >"$work/spans" & collector=$!
  start "$1" "${@:2}" "--${prefix}enable-distributed-tracing" "--${prefix}distributed-tracing-address=$to"
  "$work/run" ask "$url" $trace
  curl -sSf -H "traceparent: 00-$trace-00f067aa0ba902b7-01" -d '{"key":"eA=="}' "$url/v3/kv/range" >"$work/range"
  stop # which sends what is left
  kill $collector
  grep -v ' key=started' "$work/spans" | grep 'KV/\|key=' | sort -u
  rm -rf "$work/$1.etcd"
}

# request VERSION CODE OK KEYS has the spans be those stated of its requests.
request() {
  local all
  expect "$1: enabled, and no rate" "etcdserverpb.KV/Range given $3" "$(spans "$1")"
  all="etcdserverpb.KV/Put $2
etcdserverpb.KV/Put $3
etcdserverpb.KV/Range $3
etcdserverpb.KV/Range given $3$4"
  expect "$1: all" "$(sort <<<"$all")" "$(spans "$1" "--${prefix}distributed-tracing-sampling-rate=1000000")"
}

prefix=experimental-
request 3.5.35 rpc.grpc.status_code=5 rpc.grpc.status_code=0 ''
prefix=
request 3.6.16 rpc.grpc.status_code=5 rpc.grpc.status_code=0 ''
request 3.7.3 rpc.response.status_code=NOT_FOUND rpc.response.status_code=OK '
put key=secret'
