#!/usr/bin/env bash
# What `docker save | gzip` makes is not read by skopeo, and podman, of Debian 12.
#
# Version   skopeo 1.9.3 (Debian 12); podman 4.3.1 says the same
# Behaviour a Docker archive as it is: read. Compressed by zstd: read. Compressed by gzip:
#           refused as broken, though `docker load` takes it. Unpack it first
# Seen      loading tar component manifest.json: unexpected EOF (or: invalid tar header)
#
# Hurts whoever carries images to machines with Podman as docker's own pages show it.
# Exits 1 once this is no longer so.
set -euo pipefail

cache=${FINDINGS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/findings}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

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

debian skopeo libgpgme11 libassuan0 libdevmapper1.02.1
cd "$work"
python3 - <<'P'
import hashlib, io, json, tarfile, gzip, sys
layer = io.BytesIO()
with tarfile.open(fileobj=layer, mode='w') as t:
    i = tarfile.TarInfo('hello'); i.size = 5
    t.addfile(i, io.BytesIO(b'hello'))
layer = layer.getvalue()
config = json.dumps({'architecture': 'amd64', 'os': 'linux', 'config': {}, 'rootfs': {'type': 'layers', 'diff_ids': ['sha256:' + hashlib.sha256(layer).hexdigest()]}}).encode()
name = hashlib.sha256(config).hexdigest() + '.json'
manifest = json.dumps([{'Config': name, 'RepoTags': ['localhost/hello:1'], 'Layers': ['layer.tar']}]).encode()
with tarfile.open('image.tar', 'w') as t:
    for n, data in ((name, config), ('layer.tar', layer), ('manifest.json', manifest)):
        i = tarfile.TarInfo(n); i.size = len(data)
        t.addfile(i, io.BytesIO(data))
P
gzip -k image.tar
zstd -q image.tar

# layers ARCHIVE is how many layers skopeo sees, or what it says.
layers() {
  LD_LIBRARY_PATH=$cache/debian/usr/lib/x86_64-linux-gnu:$cache/debian/lib/x86_64-linux-gnu \
    "$cache/debian/usr/bin/skopeo" inspect "docker-archive:$1" >out 2>&1 || { grep -o 'loading tar component' out; return; }
  grep -c '"sha256:[0-9a-f]*"$' out
}
expect 'as it is, layers' 1 "$(layers image.tar)"
expect 'zstd, layers' 1 "$(layers image.tar.zst)"
expect 'gzip' 'loading tar component' "$(layers image.tar.gz)"
