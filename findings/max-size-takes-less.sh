#!/usr/bin/env bash
# A database of bbolt with a largest size takes up to 16 MiB less than that, which is half of it where 32 MiB were meant: it
# grows by steps of 16 MiB, and refuses the step that would end above.
#
# Version   go.etcd.io/bbolt 1.5.0, which has this setting first
# Behaviour Options.MaxSize of 16, 32 and 64 MiB, filled with values of 64 KiB until ErrMaxSizeReached: a little under 16, 16 and
#           48 MiB; the file is as large as the last step
# Seen      32 MiB: takes 15, file of 16
#
# Set MaxSize 16 MiB (AllocSize) above what is to fit.
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
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// filled is how many MiB of values of 64 KiB a database takes, and how large it is then.
func filled(limit int) {
	log.SetOutput(io.Discard)
	path := filepath.Join(os.Args[1], fmt.Sprint(limit))
	db := must(bbolt.Open(path, 0o600, &bbolt.Options{MaxSize: limit << 20, NoSync: true}))
	defer db.Close()
	var err error
	n := uint64(0)
	put := func(key uint64) error {
		return db.Update(func(tx *bbolt.Tx) error {
			b := must(tx.CreateBucketIfNotExists([]byte("b")))
			return b.Put(binary.BigEndian.AppendUint64(nil, key), make([]byte, 64<<10))
		})
	}
	for ; err == nil; n++ {
		err = put(n)
	}
	n--
	if !errors.Is(err, berrors.ErrMaxSizeReached) {
		panic(err)
	}
	fmt.Printf("%d MiB: takes %d, file of %d\n", limit, n>>4, must(os.Stat(path)).Size()>>20)
}

func main() {
	for _, limit := range []int{16, 32, 64} {
		filled(limit)
	}
}
'
program go.etcd.io/bbolt@v1.5.0 <<<"$source"
expect 'MiB of values that a database takes, by its MaxSize' '16 MiB: takes 15, file of 16
32 MiB: takes 15, file of 16
64 MiB: takes 46, file of 48' "$("$work/run" "$work" 2>/dev/null)"
