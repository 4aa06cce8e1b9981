#!/usr/bin/env bash
# What a certificate file may look like for etcd, and what it says where it may not.
#
# Version   etcd 3.7.3
# Behaviour a file of authorities: empty, two with no line end between them, or a byte order
#           mark before it: starts without a word, and refuses every client; the
#           second one cut off: starts without it
#           a certificate file: the authority before the leaf: "private key does not match
#           public key"; a byte order mark before it: "failed to find any PEM data"
#           a key that is encrypted: "failed to parse private key"
#           taken: line ends of Windows, text between, certificate and key in one file in
#           either order, EC PARAMETERS before a key
# Seen      as above: does it start, and is a client with a certificate answered
#
# Hurts whoever makes a file of authorities by `cat a.pem b.pem`. Exits 1 once this is no
# longer so.
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


install 3.7.3
cd "$work"
export PATH="$cache/etcd-3.7.3:$PATH"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 9 2>openssl.log
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -out other.pem -subj /CN=other -days 9 2>openssl.log
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out leaf.csr -subj /CN=leaf 2>openssl.log
printf 'extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=IP:127.0.0.1\n' >leaf.ext
openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 9 -extfile leaf.ext -out leaf.pem 2>openssl.log

# served CERT KEY CA: yes, nobody (it runs, and refuses), or why it has ended.
served() {
  local client peer pid tries=0 seen
  client=$(port) peer=$(port)
  rm -rf data && : >log
  etcd --data-dir data --unsafe-no-fsync --listen-client-urls "https://127.0.0.1:$client" --advertise-client-urls "https://127.0.0.1:$client" \
    --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
    --initial-cluster "default=http://127.0.0.1:$peer" --cert-file "$1" --key-file "$2" --trusted-ca-file "$3" --client-cert-auth >log 2>&1 &
  pid=$!
  until grep -q '"msg":"serving client traffic securely"' log || ! kill -0 "$pid" 2>/dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || { cat log >&2; exit 1; }
    sleep 0.2
  done
  seen=$(sed -n 's/.*"level":"fatal".*"error":"\([^"]*\)".*/\1/p' log)
  if [ -z "$seen" ]; then
    seen=nobody
    ! etcdctl --command-timeout 5s --endpoints "https://127.0.0.1:$client" --cacert ca.pem --cert leaf.pem --key key.pem get x >got 2>&1 || seen=yes
  fi
  kill "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  echo "$seen"
}

mark() { printf '\xef\xbb\xbf'; }
: >empty.pem
(head -c -1 ca.pem; cat other.pem) >glued.pem
(cat ca.pem; head -5 other.pem) >cut.pem
(mark; cat ca.pem) >marked.pem
expect 'authorities: an empty file' nobody "$(served leaf.pem key.pem empty.pem)"
expect 'authorities: no line end between' nobody "$(served leaf.pem key.pem glued.pem)"
expect 'authorities: a byte order mark' nobody "$(served leaf.pem key.pem marked.pem)"
expect 'authorities: the second is cut off' yes "$(served leaf.pem key.pem cut.pem)"

cat ca.pem leaf.pem >wrong.pem
(mark; cat leaf.pem) >markedleaf.pem
openssl pkcs8 -topk8 -in key.pem -passout pass:x -out encrypted.pem
expect 'the authority before the leaf' 'tls: private key does not match public key' "$(served wrong.pem key.pem ca.pem)"
expect 'a certificate with a byte order mark' 'tls: failed to find any PEM data in certificate input' "$(served markedleaf.pem key.pem ca.pem)"
expect 'an encrypted key' 'tls: failed to parse private key' "$(served leaf.pem encrypted.pem ca.pem)"

(openssl ecparam -name prime256v1; openssl ec -in key.pem 2>openssl.log) >parameters.pem
cat key.pem leaf.pem | sed 's/$/\r/' >both.pem
openssl x509 -in other.pem -text >text.pem
cat ca.pem >>text.pem
expect 'key first, both in one file, line ends of Windows' yes "$(served both.pem both.pem ca.pem)"
expect 'EC PARAMETERS, and text between authorities' yes "$(served leaf.pem parameters.pem text.pem)"
