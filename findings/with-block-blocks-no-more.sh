#!/usr/bin/env bash
# With grpc.WithBlock() a program finds out at its start that etcd is not there, as etcd's Go client tells to; that of
# 3.7 drops it without a word, and the program starts.
#
# Version   go.etcd.io/etcd/client/v3 3.5.35, 3.6.16, 3.7.3
# Behaviour DialTimeout of 2 s, DialOptions with grpc.WithBlock(), nobody there: New of 3.5 and 3.6 returns an error after 2 s, as
#           the comment of their DialOptions says; New of 3.7 returns a client at once. The comment of 3.7 says so
# Seen      context deadline exceeded after 2 s; <nil> after 0 s
#
# Ask for something after New, such as a get with a deadline.
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

port() {
  local port
  while port=$((20000 + RANDOM % 20000)); (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
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
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
)

func main() {
	begun := time.Now()
	_, err := clientv3.New(clientv3.Config{
		Endpoints: os.Args[1:], DialTimeout: 2 * time.Second, Logger: zap.NewNop(),
		DialOptions: []grpc.DialOption{grpc.WithBlock()},
	})
	fmt.Printf("%v after %d s\n", err, int(time.Since(begun).Seconds()))
}
'
for version in 3.5.35 3.6.16 3.7.3; do
  program "go.etcd.io/etcd/client/v3@v$version" <<<"$source"
  case $version in 3.7.*) want='<nil> after 0 s' ;; *) want='context deadline exceeded after 2 s' ;; esac
  expect "client $version, nobody there" "$want" "$("$work/run" "127.0.0.1:$(port)")"
done
