#!/usr/bin/env bash
# Saving one image twice into one OCI layout puts it there twice, with the same digest both
# times, and whoever wants the only image of that folder is refused from then on.
#
# Version   github.com/google/go-containerregistry 0.22.1 (crane.SaveOCI, as `crane pull
#           --format oci`; layout.AppendImage), skopeo 1.9.3 (Debian 12)
# Behaviour saved once: one entry, and skopeo copies it; saved again: two, of one digest, and
#           skopeo wants to be told which
# Seen      1; 2; more than one image in oci, choose an image
#
# layout.ReplaceImage is what keeps one.
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

# debian PACKAGE... unpacks packages of Debian 12 into $cache/debian, once.
debian() {
  local package
  for package in "$@"; do
    [ -e "$cache/debian/.$package" ] && continue
    mkdir -p "$work/debian" "$cache/debian"
    (cd "$work/debian" && apt-get download "$package" && dpkg -x "$package"_*.deb "$cache/debian") >"$work/install" 2>&1 ||
      { cat "$work/install" >&2; exit 1; }
    touch "$cache/debian/.$package"
  done
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
	"os"

	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/google/go-containerregistry/pkg/v1/random"
)

func main() {
	image, err := random.Image(100, 1)
	for range os.Args[2] {
		if err == nil {
			err = crane.SaveOCI(image, os.Args[1])
		}
	}
	if err != nil {
		panic(err)
	}
}'
program github.com/google/go-containerregistry@v0.22.1 <<<"$source"
debian skopeo libgpgme11 libdevmapper1.02.1 libassuan0

entries() { jq -r '[.manifests[].digest] | "\(length) of \(unique | length)"' "$1/index.json"; }
copied() { # copied FOLDER: whether skopeo takes the image of it
  LD_LIBRARY_PATH=$cache/debian/usr/lib/x86_64-linux-gnu:$cache/debian/lib/x86_64-linux-gnu \
    "$cache/debian/usr/bin/skopeo" --insecure-policy copy "oci:$1" "dir:$work/copy" >"$work/out" 2>&1 && echo yes ||
    grep -o 'more than one image' "$work/out" | head -1
}

"$work/run" "$work/once" 1
"$work/run" "$work/twice" 12
expect 'entries and digests, saved once' '1 of 1' "$(entries "$work/once")"
expect 'skopeo copies it' yes "$(copied "$work/once")"
expect 'entries and digests, saved twice' '2 of 1' "$(entries "$work/twice")"
expect 'skopeo copies it' 'more than one image' "$(copied "$work/twice")"
