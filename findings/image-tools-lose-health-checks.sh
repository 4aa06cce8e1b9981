#!/usr/bin/env bash
# crane mutate, of an image with a health check, drops the interval of its start, whatever it was to change, and skopeo drops
# the whole check on the way into an OCI layout.
#
# Version   go-containerregistry 0.22.1 (crane), skopeo 1.9.3 (Debian 12)
# Behaviour an image as docker save writes it, checked each 30 s, and each second while it starts (Engine 25 and later): pushed by
#           crane as it is; with a label by crane mutate, what is said of the start is gone;
#           copied from its archive to a layout by skopeo, there is no check. Neither says so
# Seen      ["health",30000000000,null]; [null,null,null]
#
# What waits for healthy waits longer, or for ever. Give the check in the Compose file.
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

await() { # await COMMAND...: until it succeeds, for a minute at most
  local tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || { echo "never came true: $*" >&2; cat "$work"/*.log >&2; exit 1; }
    sleep 0.2
  done
}

# debian FOLDER PACKAGE...: unpacks Debian's packages there, once.
debian() {
  local folder=$1 package
  shift
  for package in "$@"; do
    [ -e "$folder/usr/share/doc/$package" ] && continue
    mkdir -p "$work/debian" "$folder"
    (cd "$work/debian" && apt-get download "$package" && dpkg -x "$package"_*.deb "$folder") >"$work/install" 2>&1 ||
      { cat "$work/install" >&2; exit 1; }
  done
}

# crane builds go-containerregistry's command, once.
crane() {
  [ -x "$cache/crane-0.22.1" ] ||
    (mkdir -p "$work/crane" "$cache" && cd "$work/crane" && go mod init finding && go get github.com/google/go-containerregistry/cmd/crane@v0.22.1 &&
      CGO_ENABLED=0 go build -trimpath -o "$cache/crane-0.22.1" github.com/google/go-containerregistry/cmd/crane) >"$work/install" 2>&1 ||
    { cat "$work/install" >&2; exit 1; }
  "$cache/crane-0.22.1" "$@"
}

debian "$cache/debian-skopeo" skopeo libgpgme11 libdevmapper1.02.1 libassuan0

# The image, as docker save writes it.
mkdir "$work/image"
tar -C "$work" -cf "$work/image/layer.tar" --files-from /dev/null
layer=$(sha256sum "$work/image/layer.tar" | cut -d' ' -f1)
jq -n --arg layer "sha256:$layer" '{architecture: "amd64", os: "linux", rootfs: {type: "layers", diff_ids: [$layer]}, history: [{created_by: "COPY"}],
  config: {Cmd: ["etcd"], Healthcheck: {Test: ["CMD", "etcdctl", "endpoint", "health"], Interval: 30000000000, StartPeriod: 60000000000, StartInterval: 1000000000}}}' >"$work/image/config.json"
echo '[{"Config": "config.json", "RepoTags": ["etcd:1"], "Layers": ["layer.tar"]}]' >"$work/image/manifest.json"
tar -C "$work/image" -cf "$work/image.tar" config.json layer.tar manifest.json

registry=127.0.0.1:$(port)
crane version >/dev/null
"$cache/crane-0.22.1" registry serve --address "$registry" >"$work/registry.log" 2>&1 &
await crane push "$work/image.tar" "$registry/etcd:1"
check() { jq -c '.config.Healthcheck | [.Test[3], .Interval, .StartInterval]'; }
expect 'the check, as it was pushed' '["health",30000000000,1000000000]' "$(crane config "$registry/etcd:1" | check)"
crane mutate --label a=b "$registry/etcd:1" -t "$registry/etcd:2" >"$work/out" 2>&1
expect 'with a label by crane mutate' '["health",30000000000,null]' "$(crane config "$registry/etcd:2" | check)"

config() { jq -r .manifests[0].digest "$1/index.json" | sed "s|:|/|; s|^|$1/blobs/|" | xargs jq -r .config.digest | sed "s|:|/|; s|^|$1/blobs/|" | xargs cat; }
skopeo() {
  LD_LIBRARY_PATH=$cache/debian-skopeo/usr/lib/x86_64-linux-gnu:$cache/debian-skopeo/lib/x86_64-linux-gnu \
    "$cache/debian-skopeo/usr/bin/skopeo" --insecure-policy "$@" >"$work/out" 2>&1
}
skopeo copy "docker-archive:$work/image.tar" "oci:$work/layout:1"
expect 'as a layout by skopeo copy' '[null,null,null]' "$(config "$work/layout" | check)"
