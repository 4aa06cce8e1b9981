#!/usr/bin/env bash
# One and the same service has another config hash for another minor of compose-go.
#
# Version   compose-go 2.15.0 (Compose v5.5.1) and 2.16.2 (v5.7.1)
# Behaviour the hash is of the service as JSON, in the order of its Go type's fields
# Seen      two hashes
#
# Compose v5.7 keeps the old order by itself; any other program that computes the hash
# replaces every container of a stack once it is built with the newer one.
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

hashed() { # hashed VERSION
  rm -rf "$work/program"
  program "github.com/compose-spec/compose-go/v2@$1" <<'EOF'
package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

func main() {
	project, err := loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir: ".",
		ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: []byte(`services: {etcd1: {image: etcd,
command: [etcd], restart: unless-stopped, environment: {ETCD_NAME: etcd1}}}`)}},
	}, func(options *loader.Options) { options.SetProjectName("p", true) })
	if err != nil {
		panic(err)
	}
	text, err := json.Marshal(project.Services["etcd1"])
	if err != nil {
		panic(err)
	}
	fmt.Printf("%x\n", sha256.Sum256(text))
}
EOF
  "$work/run"
}
old=$(hashed v2.15.0)
expect 'the same release again' "$old" "$(hashed v2.15.0)"
expect 'the same hash by the newer one' no "$([ "$(hashed v2.16.2)" = "$old" ] && echo yes || echo no)"
