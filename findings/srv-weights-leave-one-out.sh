#!/usr/bin/env bash
# What `etcd gateway` does with the weights of SRV records: of two targets of weight 1 it uses
# the first only, and of three the last is never used.
#
# Version   go.etcd.io/etcd/server/v3 3.5.35, 3.6.16, 3.7.3 (proxy/tcpproxy, which is all of
#           the gateway but for its look-up)
# Behaviour 2,000 connections; weights 1,1: all to the first; 1,1,1: two thirds to the first,
#           none to the last; 0,0,0: a third each
# Seen      [2000 0]; [1331 669 0]
#
# 1 is what records are most often written with. 0 shares, and 100 nearly does.
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

# program MODULE@VERSION...: builds the Go program on standard input against them.
program() {
  mkdir -p "$work/program"
  cat >"$work/program/main.go"
  (cd "$work/program" && rm -f go.mod go.sum && go mod init finding && go get "$@" . && go build -o ../run .) >"$work/install" 2>&1 ||
    { cat "$work/install" >&2; exit 1; }
}

source='package main

import (
	"fmt"
	"io"
	"net"
	"os"

	"go.etcd.io/etcd/server/v3/proxy/tcpproxy"
	"go.uber.org/zap"
)

func listen() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	return l
}

// target says its number to whoever comes.
func target(number int, weight uint16) *net.SRV {
	l := listen()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(c, number)
			c.Close()
		}
	}()
	return &net.SRV{Target: "127.0.0.1", Port: uint16(l.Addr().(*net.TCPAddr).Port), Weight: weight}
}

func main() {
	front := listen()
	proxy := tcpproxy.TCPProxy{Logger: zap.NewNop(), Listener: front}
	for i, word := range os.Args[1:] {
		var weight uint16
		fmt.Sscan(word, &weight)
		proxy.Endpoints = append(proxy.Endpoints, target(i, weight))
	}
	go proxy.Run()
	counts := make([]int, len(proxy.Endpoints))
	for i := 0; i < 2000; i++ {
		c, err := net.Dial("tcp", front.Addr().String())
		if err != nil {
			panic(err)
		}
		number := 0
		said, _ := io.ReadAll(c)
		fmt.Sscan(string(said), &number)
		counts[number]++
		c.Close()
	}
	for _, count := range counts {
		switch {
		case count == 0:
			fmt.Print("none ")
		case count == 2000:
			fmt.Print("all ")
		default:
			fmt.Print("some ")
		}
	}
}'

for version in 3.5.35 3.6.16 3.7.3; do
  program "go.etcd.io/etcd/server/v3@v$version" <<<"$source"
  expect "$version: weights 1, 1" 'all none ' "$("$work/run" 1 1)"
  expect "$version: weights 1, 1, 1" 'some some none ' "$("$work/run" 1 1 1)"
  expect "$version: weights 0, 0, 0" 'some some some ' "$("$work/run" 0 0 0)"
  expect "$version: weights 100, 100, 100" 'some some some ' "$("$work/run" 100 100 100)"
done
