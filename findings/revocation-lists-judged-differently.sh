#!/usr/bin/env bash
# What a revocation list is worth depends on who reads it.
#
# Version   etcd 3.7.3, OpenSSL 3.0, GnuTLS 3.7.9 (Debian 12)
# Behaviour A certificate that is not on the list, and then one that is:
#                                            etcd      openssl   gnutls
#           a list of now                    yes no    yes no    yes no
#           one without nextUpdate           yes no    yes no    yes no
#           one that begins in an hour       yes no    no  no    yes no
#           one that ended yesterday         yes no    no  no    yes no
#           one that another key has signed  yes no    no  no    yes no
#           etcd goes by serial numbers alone: one list does for two authorities, and
#           where their numbers are small it refuses those of the other one
# Seen      as above (gnutls: certtool --verify)
#
# Hurts whoever checks a list by OpenSSL that a machine with a fast clock has made, and
# whoever lets two authorities count from 1. Exits 1 once this is no longer so.
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

install 3.7.3
debian gnutls-bin libgnutls-dane0 libunbound8 libopts25 libevent-2.1-7
export PATH="$cache/etcd-3.7.3:$PATH"
cd "$work"

for who in ca another leaf; do openssl ecparam -name prime256v1 -genkey -noout -out "$who.key"; done
openssl req -x509 -new -key ca.key -sha256 -days 9 -subj /CN=ca -out ca.crt \
  -addext keyUsage=critical,keyCertSign,cRLSign
openssl req -new -key leaf.key -subj /CN=localhost -out leaf.csr
printf 'extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n' >ext
openssl x509 -req -in leaf.csr -CA ca.crt -CAkey ca.key -set_serial 7 -days 9 -extfile ext -out leaf.crt 2>openssl.log

# list NAME SERIAL FROM TO KEY: times in seconds from now, TO may be -
cat >list.py <<'P'
import datetime, subprocess, sys
name, serial, start, end, key = sys.argv[1:]
def tlv(tag, body):
    size = len(body)
    return bytes([tag]) + (bytes([size]) if size < 128 else bytes([0x81, size])) + body
def time(seconds):
    return tlv(0x17, (datetime.datetime.utcnow() + datetime.timedelta(seconds=int(seconds))).strftime('%y%m%d%H%M%SZ').encode())
algorithm = bytes.fromhex('300a06082a8648ce3d040302')
issuer = tlv(0x30, tlv(0x31, tlv(0x30, bytes.fromhex('0603550403') + tlv(0x0c, b'ca'))))
entries = tlv(0x30, tlv(0x30, bytes([2, 1, int(serial)]) + time(-90000)))
body = tlv(0x30, bytes([2, 1, 1]) + algorithm + issuer + time(start) + (time(end) if end != '-' else b'') + entries)
signed = subprocess.run(['openssl', 'dgst', '-sha256', '-sign', key], input=body, capture_output=True, check=True).stdout
open(name, 'wb').write(tlv(0x30, body + algorithm + tlv(3, b'\0' + signed)))
P

client=$(port) peer=$(port)
etcd --data-dir data --unsafe-no-fsync --listen-client-urls "https://127.0.0.1:$client" --advertise-client-urls "https://127.0.0.1:$client" \
  --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
  --initial-cluster "default=http://127.0.0.1:$peer" --cert-file leaf.crt --key-file leaf.key \
  --trusted-ca-file ca.crt --client-cert-auth --client-crl-file list.der >etcd.log 2>&1 &
by_etcd() { curl -sf --max-time 10 --cacert ca.crt --cert leaf.crt --key leaf.key "https://127.0.0.1:$client/version"; }
by_openssl() { openssl verify -CAfile ca.crt -CRLfile list.pem -crl_check leaf.crt; }
by_gnutls() { LD_LIBRARY_PATH=$cache/debian/usr/lib/x86_64-linux-gnu "$cache/debian/usr/bin/certtool" --verify --load-ca-certificate ca.crt --load-crl list.pem --infile leaf.crt; }
yes() { if "$@" >judged 2>&1; then echo yes; else echo no; fi; }

python3 -W ignore list.py list.der 8 -60 90000 ca.key
await by_etcd

judge() { # judge WHAT WANT FROM TO KEY
  local serial got=()
  for serial in 8 7; do
    python3 -W ignore list.py list.der "$serial" "$3" "$4" "$5"
    openssl crl -inform DER -in list.der -out list.pem
    got+=("$(yes by_etcd) $(yes by_openssl) $(yes by_gnutls)")
  done
  expect "$1: others, then who is on it: etcd openssl gnutls" "$2" "${got[0]}, ${got[1]}"
}
judge 'a list of now' 'yes yes yes, no no no' -60 90000 ca.key
judge 'without nextUpdate' 'yes yes yes, no no no' -60 - ca.key
judge 'begins in an hour' 'yes no yes, no no no' 3600 90000 ca.key
judge 'ended yesterday' 'yes no yes, no no no' -180000 -86400 ca.key
judge 'signed by another key' 'yes no yes, no no no' -60 90000 another.key
