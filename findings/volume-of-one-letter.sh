#!/usr/bin/env bash
# A volume with a name of one letter is taken for a drive of Windows by Compose: what it is
# given as a target is another volume, without a name, at a path that nobody meant.
#
# Version   github.com/compose-spec/compose-go/v2 2.15.0, 2.16.2
# Behaviour `d:/data`: a volume without a source at d:/data, and the volume d is used by
#           nothing; `data:/data`, and the long form with source: d, are as written. No error
# Seen      volume "" at d:/data; volume data at /data
#
# The data is in an anonymous volume, at another place, and gone with `down -v` or a new container.
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
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

func main() {
	file := types.ConfigFile{Filename: "compose.yaml", Content: []byte(os.Args[1])}
	project, err := loader.LoadWithContext(context.Background(), types.ConfigDetails{WorkingDir: "/", ConfigFiles: []types.ConfigFile{file}},
		func(o *loader.Options) { o.SetProjectName("project", true) })
	if err != nil {
		panic(err)
	}
	for _, volume := range project.Services["etcd"].Volumes {
		fmt.Printf("%s %q at %s\n", volume.Type, volume.Source, volume.Target)
	}
}'

# mounted NAME MOUNT: what a service with that volume and mount gets
mounted() { "$work/run" "{services: {etcd: {image: etcd, volumes: [$2]}}, volumes: {$1: {}}}"; }

for version in 2.15.0 2.16.2; do
  program "github.com/compose-spec/compose-go/v2@v$version" <<<"$source"
  expect "$version: data:/data" 'volume "data" at /data' "$(mounted data data:/data)"
  expect "$version: d:/data" 'volume "" at d:/data' "$(mounted d d:/data)"
  expect "$version: d, in the long form" 'volume "d" at /data' "$(mounted d '{type: volume, source: d, target: /data}')"
done
