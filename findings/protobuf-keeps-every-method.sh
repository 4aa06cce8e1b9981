#!/usr/bin/env bash
# What a Go program weighs that links Protocol Buffers.
#
# Version   google.golang.org/protobuf v1.36.11, built by Go 1.25.5 and by Go 1.26.8
# Behaviour an exported method of a printed type that nothing calls is left out of the
#           program by Go 1.25, and stays in it by Go 1.26: protobuf looks up a method of
#           the name Methods by reflection, which keeps all methods of that name, and one of
#           those is since 1.26 reflect's own, which can give any method. So the linker
#           leaves out none, of any package
# Seen      the method among the program's symbols, and that without protobuf it is left
#           out by both
#
# Hurts every program with gRPC or etcd's client in it: a fifth larger by a newer compiler
# alone. Exits 1 once this is no longer so.
set -euo pipefail

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"

# expect WHAT WANT GOT fails where the behaviour is another than stated above.
expect() {
  [ "$2" = "$3" ] || { printf 'changed: %s\nstated:  %s\nseen:    %s\n' "$1" "$2" "$3" >&2; exit 1; }
  echo "as stated: $1: $3"
}

# keeps GO PACKAGE says whether a program that links the package keeps its method.
keeps() {
  mkdir -p "$1-$(basename "$2")"
  cd "$1-$(basename "$2")"
  cat >main.go <<GO
package main

import (
	"fmt"

	linked "$2"
)

type thing struct{}

func (thing) Unused() {}

func main() { fmt.Println(thing{}, linked.$3) }
GO
  export GOTOOLCHAIN=$1 GOFLAGS=
  { go mod init finding && go get google.golang.org/protobuf@v1.36.11 && go mod tidy && go build -o program .; } >log 2>&1 ||
    { cat log >&2; exit 1; }
  if go tool nm program | grep 'main.thing.Unused' >/dev/null; then echo kept; else echo "left out"; fi
  cd ..
}

expect "Go 1.25 with protobuf" "left out" "$(keeps go1.25.5 google.golang.org/protobuf/types/known/emptypb File_google_protobuf_empty_proto)"
expect "Go 1.26 with protobuf" kept "$(keeps go1.26.8 google.golang.org/protobuf/types/known/emptypb File_google_protobuf_empty_proto)"
expect "Go 1.25 without" "left out" "$(keeps go1.25.5 net/netip Addr{})"
expect "Go 1.26 without" "left out" "$(keeps go1.26.8 net/netip Addr{})"
