#!/usr/bin/env bash
# etcd v3.8.0-alpha.0, built by `go get` of its programs, is 3.7.0-beta.0.
#
# Version   etcd v3.8.0-alpha.0, against v3.7.0-beta.0, v3.6.0-alpha.0 and v3.7.3
# Behaviour the programs' modules at that tag require api, client and pkg of
#           v3.7.0-beta.0, and what etcd calls itself is in api. Required by name as well
#           it is 3.8.0-alpha.0. Other releases require libraries of their own tag. etcdutl
#           alone does not build
# Seen      etcdctl version: 3.7.0-beta.0
#
# A cluster of it says 3.7, so that 3.7 goes on with its data, and nothing says that
# another release was meant. Exits 1 once this is no longer so.
set -euo pipefail

cache=${FINDINGS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/findings}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# expect WHAT WANT GOT fails where the behaviour is another than stated above.
expect() {
  [ "$2" = "$3" ] || { printf 'changed: %s\nstated:  %s\nseen:    %s\n' "$1" "$2" "$3" >&2; exit 1; }
  echo "as stated: $1: $3"
}

# built NAME MODULE... is what an etcdctl calls itself that is built from these, once.
built() {
  local name=$1
  shift
  [ -x "$cache/$name" ] || (
    mkdir -p "$cache" "$work/$name" && cd "$work/$name"
    export CGO_ENABLED=0
    go mod init finding && go get "$@" && go build -trimpath -o "$cache/$name" go.etcd.io/etcd/etcdctl/v3
  ) >"$work/install" 2>&1 || { cat "$work/install" >&2; exit 1; }
  "$cache/$name" version | sed -n 's/^etcdctl version: //p'
}

# library VERSION is the release of api that the server of a release requires.
library() {
  (mkdir -p "$work/library-$1" && cd "$work/library-$1" && go mod init finding && go get "go.etcd.io/etcd/server/v3@v$1") \
    >"$work/install" 2>&1 || { cat "$work/install" >&2; exit 1; }
  (cd "$work/library-$1" && go list -m -f '{{.Version}}' go.etcd.io/etcd/api/v3)
}

ctl=go.etcd.io/etcd/etcdctl/v3@v3.8.0-alpha.0
expect 'its programs alone' 3.7.0-beta.0 "$(built etcdctl-alpha "$ctl")"
expect 'with its library' 3.8.0-alpha.0 "$(built etcdctl-alpha-pinned "$ctl" go.etcd.io/etcd/api/v3@v3.8.0-alpha.0)"
expect 'library of 3.8.0-alpha.0' v3.7.0-beta.0 "$(library 3.8.0-alpha.0)"
for version in 3.6.0-alpha.0 3.7.0-beta.0 3.7.3; do
  expect "library of $version" "v$version" "$(library "$version")"
done
