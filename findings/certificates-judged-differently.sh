#!/usr/bin/env bash
# Five certificates that are fine for some and not for others.
#
# Version   Go 1.26, OpenSSL 3.0, GnuTLS 3.7.9, NSS 3.87 (Debian 12)
# Behaviour                                              go  openssl gnutls nss
#           etcd*.example.com, asked for etcd1           no  yes     no     -
#           etcd1.example.com., with a dot at the end    yes no      no     -
#           a CA for DNS names only, a leaf with an IP   yes yes     no     yes
#           Ed25519                                      yes yes     yes    no
#           P-521                                        yes yes     yes    yes
#           (vfychain of NSS judges no names)
# Seen      as above
#
# One name a member, no part of a label as a wildcard, no dot at the end, P-256: that
# is what all of them take.
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

program <<'EOF'
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

func read(file string) *x509.Certificate {
	text, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	block, _ := pem.Decode(text)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		panic(err)
	}
	return certificate
}

func main() {
	roots := x509.NewCertPool()
	roots.AddCert(read(os.Args[1]))
	if _, err := read(os.Args[2]).Verify(x509.VerifyOptions{Roots: roots, DNSName: os.Args[3]}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
EOF
debian gnutls-bin libgnutls-dane0 libunbound8 libopts25 libevent-2.1-7 libnss3-tools libnss3 libnspr4
tool() { LD_LIBRARY_PATH=$cache/debian/usr/lib/x86_64-linux-gnu "$cache/debian/usr/bin/$1" "${@:2}"; }
verdict() { "$@" >"$work/out" 2>&1 && echo yes || echo no; }
expect 'release of GnuTLS' 3.7.9 "$(tool certtool --version | sed -n '1s/.* //p')"

cd "$work"
request() { # request CURVE FLAG...
  local key=(-newkey ec -pkeyopt "ec_paramgen_curve:$1")
  [ "$1" != Ed25519 ] || key=(-newkey ed25519)
  openssl req -nodes "${key[@]}" "${@:2}" 2>out
}
make() { # make CURVE SAN CONSTRAINT: ca.pem and leaf.pem
  request "$1" -x509 -subj /CN=ca -keyout ca.key -out ca.pem -addext keyUsage=critical,keyCertSign ${3:+-addext "nameConstraints=critical,permitted;$3"}
  request "$1" -subj /CN=leaf -keyout leaf.key -out leaf.csr
  printf 'basicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid\nextendedKeyUsage=serverAuth\nsubjectAltName=%s\n' "$2" >leaf.ext
  openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile leaf.ext -out leaf.pem 2>out
}
nss() {
  rm -rf nss && mkdir nss
  tool certutil -N -d sql:nss --empty-password
  tool certutil -A -d sql:nss -n ca -t CT,C,C -i ca.pem >out 2>&1 && verdict tool vfychain -d sql:nss -a -u 1 leaf.pem || echo no
}
judge() { # judge NAME: what Go, OpenSSL, GnuTLS and NSS say
  local check=-verify_hostname
  case $1 in *[a-z]*) ;; *) check=-verify_ip ;; esac
  echo "$(verdict ./run ca.pem leaf.pem "$1")" \
    "$(verdict openssl verify "$check" "$1" -CAfile ca.pem leaf.pem)" \
    "$(verdict tool certtool --verify --verify-hostname "$1" --load-ca-certificate ca.pem --infile leaf.pem)" \
    "$(nss)"
}
make P-256 'DNS:etcd*.example.com'
expect 'part of a label as a wildcard' 'no yes no yes' "$(judge etcd1.example.com)"
make P-256 DNS:etcd1.example.com
expect 'without a dot at the end' 'yes yes yes yes' "$(judge etcd1.example.com)"
expect 'with a dot at the end' 'yes no no yes' "$(judge etcd1.example.com.)"
make P-256 IP:10.0.0.1 'DNS:example.com'
expect 'an IP address under a CA for DNS names' 'yes yes no yes' "$(judge 10.0.0.1)"
make Ed25519 DNS:etcd1
expect 'Ed25519' 'yes yes yes no' "$(judge etcd1)"
make P-521 DNS:etcd1
expect 'P-521' 'yes yes yes yes' "$(judge etcd1)"
