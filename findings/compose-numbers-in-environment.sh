#!/usr/bin/env bash
# A number that stands in a Compose file as the value of a variable is not what the
# container gets, unless it is in quotes, and a value with a dollar does not survive
# compose-go's own load, marshal, load.
#
# Version   compose-go 2.16.2
# Behaviour 1e3 becomes 1000, 0123 becomes 83, 1.10 becomes 1.1, 1_000 becomes 1000, a
#           date gets a time; MarshalYAML writes $ and not $$, so that the next load
#           replaces what follows it by an empty text
# Seen      A=1000 B=83 C=1.1 D=1000 E=2026-01-02 00:00:00 +0000 UTC; p$word, then p
#
# ETCD_INITIAL_CLUSTER_TOKEN: 0123 is another token than in an environment file.
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
  (cd "$work/program" && go mod init finding && go get "$@" . && go build -o ../run .) >"$work/install" 2>&1 ||
    { cat "$work/install" >&2; exit 1; }
}

program github.com/compose-spec/compose-go/v2@v2.16.2 <<'EOF'
package main

import (
	"context"
	"fmt"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

func load(text []byte) *types.Project {
	project, err := loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir:  ".",
		ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: text}},
	}, func(options *loader.Options) { options.SetProjectName("p", true) })
	if err != nil {
		panic(err)
	}
	return project
}

func show(project *types.Project, names ...string) {
	for _, name := range names {
		fmt.Printf("%s=%s ", name, *project.Services["a"].Environment[name])
	}
	fmt.Println()
}

func main() {
	project := load([]byte(`services: {a: {image: x, environment: {
A: 1e3, B: 0123, C: 1.10, D: 1_000, E: 2026-01-02, F: p$$word, G: "0123"}}}`))
	show(project, "A", "B", "C", "D", "E", "G")
	show(project, "F")
	text, err := project.MarshalYAML()
	if err != nil {
		panic(err)
	}
	show(load(text), "F")
}
EOF
"$work/run" >"$work/out" 2>"$work/err"
expect 'numbers' 'A=1000 B=83 C=1.1 D=1000 E=2026-01-02 00:00:00 +0000 UTC G=0123 ' "$(sed -n 1p "$work/out")"
expect 'a dollar, loaded' 'F=p$word ' "$(sed -n 2p "$work/out")"
expect 'a dollar, loaded, marshalled and loaded' 'F=p ' "$(sed -n 3p "$work/out")"
