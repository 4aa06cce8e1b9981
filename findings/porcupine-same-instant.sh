#!/usr/bin/env bash
# For porcupine two operations overlap if one begins at the very instant at which the
# other ends.
#
# Version   porcupine 1.3.1
# Behaviour a write from 0 to 10; a read of the old value that begins at 10 is
#           linearizable, one that begins at 11 is not
# Seen      9: true, 10: true, 11: false
#
# A history with times rounded to milliseconds hides stale reads.
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

program github.com/anishathalye/porcupine@v1.3.1 <<'EOF'
package main

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// register is one number: an input writes it, none reads.
var register = porcupine.Model{
	Init: func() any { return 0 },
	Step: func(state, input, output any) (bool, any) {
		if input != nil {
			return true, input
		}
		return output == state, state
	},
}

func main() {
	for _, begin := range []int64{9, 10, 11} {
		fmt.Print(porcupine.CheckOperations(register, []porcupine.Operation{
			{ClientId: 0, Input: 1, Call: 0, Return: 10},
			{ClientId: 1, Output: 0, Call: begin, Return: 20},
		}), " ")
	}
}
EOF
expect 'a read of the old value from 9, 10 and 11' 'true true false ' "$("$work/run")"
