#!/usr/bin/env bash
# `--auto-compaction-retention` is a time or a number, and etcd takes either in both modes.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour `--auto-compaction-mode revision --auto-compaction-retention 1h` starts, and
#           keeps as many revisions as an hour has nanoseconds, which is all of them; in
#           mode periodic, the default, `1000` are hours; mode revision without a
#           retention compacts nothing. None is warned of.
# Seen      in the line of the log that has the settings, "auto-compaction-retention":
#           "1h0m0s" in mode revision, "1000h0m0s" in mode periodic, "0s"
#
# Hurts whoever changes the mode and leaves the retention as it is: the database grows to
# its quota. Exits 1 once this is no longer so.
set -euo pipefail

cache=${FINDINGS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/findings}
work=$(mktemp -d)
trap 'kill -KILL $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT

# expect WHAT WANT GOT fails where the behaviour is another than stated above.
expect() {
  [ "$2" = "$3" ] || { printf 'changed: %s\nstated:  %s\nseen:    %s\n' "$1" "$2" "$3" >&2; exit 1; }
  echo "as stated: $1: $3"
}

# install VERSION builds etcd, etcdctl and etcdutl of a release, once.
install() {
  [ -x "$cache/etcd-$1/etcd" ] && return
  mkdir -p "$work/build-$1" "$cache/etcd-$1"
  (cd "$work/build-$1"
   export CGO_ENABLED=0
   go mod init finding
   go get "go.etcd.io/etcd/server/v3@v$1" "go.etcd.io/etcd/etcdctl/v3@v$1" "go.etcd.io/etcd/etcdutl/v3@v$1"
   for program in etcdctl etcdutl; do
     go build -trimpath -o "$cache/etcd-$1/$program" "go.etcd.io/etcd/$program/v3"
   done
   go build -trimpath -o "$cache/etcd-$1/etcd" go.etcd.io/etcd/server/v3) >"$work/install" 2>&1 ||
    { cat "$work/install" >&2; exit 1; }
}

port() {
  local port
  while port=$((20000 + RANDOM % 20000)); (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}


# told FLAG...: mode and retention as etcd says that it has taken them, and how many lines
# of its log up to then are more than information.
told() {
  local client peer url
  client=$(port) peer=$(port)
  url=http://127.0.0.1:$client
  rm -rf "$work/data"
  "$cache/etcd-$version/etcd" --data-dir "$work/data" --unsafe-no-fsync --listen-client-urls "$url" --advertise-client-urls "$url" \
    --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
    --initial-cluster "default=http://127.0.0.1:$peer" "$@" >"$work/log" 2>&1 &
  local pid=$! tries=0
  until grep -q '"msg":"ready to serve client requests"' "$work/log"; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || { cat "$work/log" >&2; exit 1; }
    sleep 0.2
  done
  kill "$pid"
  wait "$pid" 2>/dev/null || true
  sed -n 's/.*"auto-compaction-mode":"\([^"]*\)".*"auto-compaction-retention":"\([^"]*\)".*/\1 \2/p' "$work/log" | head -1
}

warnings() { grep '"level":"\(warn\|error\)"' "$work/log" | grep -ci compact || true; }

for version in 3.5.35 3.6.16 3.7.3; do
  install "$version"
  expect "$version: mode revision, 1h" 'revision 1h0m0s' "$(told --auto-compaction-mode revision --auto-compaction-retention 1h)"
  expect "$version: warnings of it" 0 "$(warnings)"
  expect "$version: no mode, 1000" 'periodic 1000h0m0s' "$(told --auto-compaction-retention 1000)"
  expect "$version: mode revision, nothing" 'revision 0s' "$(told --auto-compaction-mode revision)"
  expect "$version: warnings of it" 0 "$(warnings)"
done
