#!/usr/bin/env bash
# A record in CoreDNS' etcd plugin is gone once there is any record below its name, as a TXT record
# for a certificate; and one value that is no JSON takes a whole name away.
#
# Version   github.com/coredns/coredns 1.15.0 (plugin/etcd), etcd 3.7.3
# Behaviour www has an address; with _acme-challenge.www it is answered without one, and with an
#           address below it, with that one. Of a name with three nodes, of which one is
#           no JSON, nothing is answered, nor of the zone. A record with a lease of 5 s has a TTL of
#           30 s. A key with a capital is never found, as names are asked for in small letters
# Seen      NOERROR; 192.0.2.9; SERVFAIL; 30; NXDOMAIN
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
	"fmt"
	"os"
	"strings"

	"github.com/coredns/coredns/plugin/etcd"
	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	clientv3 "go.etcd.io/etcd/client/v3"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func main() {
	ctx := context.Background()
	c := must(clientv3.New(clientv3.Config{Endpoints: os.Args[1:]}))
	plugin := &etcd.Etcd{Zones: []string{"example.org."}, PathPrefix: "skydns", Client: c}
	put := func(key, value string, opts ...clientv3.OpOption) {
		must(c.Put(ctx, "/skydns/org/example/"+key, value, opts...))
	}
	ask := func(what, name string, kind uint16) {
		question, answer := new(dns.Msg), dnstest.NewRecorder(&test.ResponseWriter{})
		plugin.ServeDNS(ctx, answer, question.SetQuestion(name+".example.org.", kind))
		said := []string{what + ":", dns.RcodeToString[answer.Msg.Rcode]}
		for _, record := range answer.Msg.Answer {
			said = append(said, strings.Fields(record.String())[1:]...)
		}
		fmt.Println(strings.Join(said, " "))
	}

	put("www", `{"host":"192.0.2.1"}`)
	ask("www", "www", dns.TypeA)
	put("www/_acme-challenge", `{"text":"token"}`)
	ask("www, with a TXT record below it", "www", dns.TypeA)
	put("www/other", `{"host":"192.0.2.9"}`)
	ask("www, with an address below it", "www", dns.TypeA)

	put("nodes/a", `{"host":"192.0.2.3"}`)
	put("nodes/b", `{"host":"192.0.2.4"}`)
	put("nodes/c", `192.0.2.5`)
	ask("a name with three nodes, one of them no JSON", "nodes", dns.TypeA)

	lease := must(c.Grant(ctx, 5))
	put("leased", `{"host":"192.0.2.6"}`, clientv3.WithLease(lease.ID))
	ask("a record with a lease of 5 s", "leased", dns.TypeA)

	put("Mixed", `{"host":"192.0.2.8"}`)
	ask("a key with a capital", "Mixed", dns.TypeA)
}
'
program github.com/coredns/coredns@v1.15.0 <<<"$source"

start 3.7.3
"$work/run" "127.0.0.1:$client" >"$work/seen"
expect 'what the plugin answers' 'www: NOERROR 300 IN A 192.0.2.1
www, with a TXT record below it: NOERROR
www, with an address below it: NOERROR 300 IN A 192.0.2.9
a name with three nodes, one of them no JSON: SERVFAIL
a record with a lease of 5 s: NOERROR 30 IN A 192.0.2.6
a key with a capital: NXDOMAIN' "$(cat "$work/seen")"
stop
