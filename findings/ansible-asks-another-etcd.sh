#!/usr/bin/env bash
# Ansible's lookup of etcd takes etcdctl's variables and reads them otherwise, and what it cannot
# read is an empty answer with exit code 0; its module does not put what looks like nothing.
#
# Version   community.general 6.6.2 of ansible 7.7.0, python3-etcd3 0.12.0 (Debian 12), etcd 3.7.3
# Behaviour lookup etcd3: ETCDCTL_ENDPOINTS with two members asks neither, but localhost:2379;
#           https:// in it is without TLS; ETCDCTL_DIAL_TIMEOUT=2s is an error. A prefix with over
#           4 MiB is a warning and an empty list, and a key with an empty value is left out.
#           Module etcd3: value "None" of a key that is not there is "ok" and not put
# Seen      see below
#
# A play with a list of members reads the wrong etcd where one runs on the machine itself.
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

await() { # await COMMAND...: until it succeeds, for a minute at most
  local tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || { echo "never came true: $*" >&2; cat "$work"/*.log >&2; exit 1; }
    sleep 0.2
  done
}

# start VERSION FLAG... starts one member, which answers at $url; its process is $pid.
start() {
  local version=$1
  shift
  install "$version"
  client=$(port) peer=$(port)
  url=http://127.0.0.1:$client
  export PATH="$cache/etcd-$version:$PATH" ETCDCTL_ENDPOINTS=$url
  "$cache/etcd-$version/etcd" --name m --data-dir "$work/$version.etcd" --unsafe-no-fsync \
    --listen-client-urls "$url" --advertise-client-urls "$url" \
    --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
    --initial-cluster "m=http://127.0.0.1:$peer" "$@" >"$work/$version.log" 2>&1 &
  pid=$!
  await etcdctl put started yes
}

stop() { kill "$pid"; wait "$pid" 2>/dev/null || true; }

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

packages=$cache/debian-ansible
debian "$packages" ansible ansible-core python3-jinja2 python3-markupsafe python3-yaml python3-cryptography python3-cffi-backend \
  python3-packaging python3-resolvelib python3-etcd3 python3-grpcio python3-protobuf libprotobuf32 libabsl20220623 libc-ares2 \
  libre2-9 python3-tenacity python3-six python3-distutils python3-lib2to3
export PYTHONPATH="$packages/usr/lib/python3/dist-packages" LD_LIBRARY_PATH="$packages/usr/lib/$(uname -m)-linux-gnu"
export HOME=$work LC_ALL=C.UTF-8

# ansible MODULE ARGUMENTS: its answer on one line, and its exit code.
ansible() {
  /usr/bin/python3 "$packages/usr/bin/ansible" -i localhost, -c local -e ansible_python_interpreter=/usr/bin/python3 \
    -o localhost -m "$1" -a "$2" 2>"$work/ansible.log" || true
}

# look TERM says what the lookup finds, values only, or that it failed.
look() {
  ansible debug "msg=found:{{ lookup('community.general.etcd3', $1, wantlist=True) | map(attribute='value') | join(',') }}" |
    sed -n 's/.*"found:\(.*\)".*/found \1/p; s/.*FAILED.*/failed/p'
}

# keep KEY VALUE has the module put it, and says whether it changed something.
keep() { ansible community.general.etcd3 "host=127.0.0.1 port=$client key=$1 value=$2 state=present" | grep -o '"changed": [a-z]*'; }

start 3.7.3
export ETCDCTL_ENDPOINTS=127.0.0.1:$client
{
  etcdctl put app/one 1
  etcdctl put app/empty ''
  for i in 1 2 3 4 5; do head -c 1000000 /dev/zero | tr '\0' x | etcdctl put large/$i; done
} >"$work/put"
expect 'a key' 'found 1' "$(look "'app/one'")"
expect 'two keys, one of them empty' 'found 1' "$(look "'app/', prefix=True")"
expect 'five values of 1 MB' 'found ' "$(look "'large/', prefix=True")"
expect 'and its warning' 1 "$(grep -c 'Caught except during etcd3.get_prefix' "$work/ansible.log")"
expect 'two endpoints' failed "$(ETCDCTL_ENDPOINTS=127.0.0.1:$client,127.0.0.1:$client look "'app/one'")"
expect 'https:// of an etcd without TLS' 'found 1' "$(ETCDCTL_ENDPOINTS=https://127.0.0.1:$client look "'app/one'")"
expect 'a time-out as of etcdctl' failed "$(ETCDCTL_DIAL_TIMEOUT=2s look "'app/one'")"
expect 'None is put' '"changed": false' "$(keep app/new None)"
expect 'and is there' '' "$(etcdctl get app/new)"
expect 'none is put' '"changed": true' "$(keep app/new none)"
stop
