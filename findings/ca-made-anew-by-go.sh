#!/usr/bin/env bash
# An authority that is made anew from its own key by Go 1.25 or later is a stranger
# to the leaves it signed before, for OpenSSL, GnuTLS and NSS; Go itself, and so etcd,
# sees no difference.
#
# Version   Go 1.26, OpenSSL 3.0, GnuTLS 3.7.9, NSS 3.87 (Debian 12)
# Behaviour Go takes the key identifier from SHA-256, OpenSSL and older Go from SHA-1;
#           the leaf names the old one, and all but Go insist on it
# Seen      go: yes; openssl: unable to get local issuer certificate; gnutls: The
#           certificate issuer is unknown; nss: Peer's Certificate issuer is not
#           recognized
#
# The cure is to hand over SubjectKeyId of the old certificate when the new one is
# made. Members go on, and every curl, Python and Java-script client fails.
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
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"time"
)

// block reads a PEM file.
func block(file string) []byte {
	text, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	found, _ := pem.Decode(text)
	return found.Bytes
}

// anew makes the authority again, from its key and subject alone.
func anew(old *x509.Certificate, key crypto.Signer) []byte {
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), RawSubject: old.RawSubject,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, old, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return der
}

func main() {
	old, err := x509.ParseCertificate(block("ca.pem"))
	if err != nil {
		panic(err)
	}
	key, err := x509.ParsePKCS8PrivateKey(block("ca.key"))
	if err != nil {
		panic(err)
	}
	der := anew(old, key.(crypto.Signer))
	if err := os.WriteFile("anew.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		panic(err)
	}
	authority, _ := x509.ParseCertificate(der)
	leaf, _ := x509.ParseCertificate(block("leaf.pem"))
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "etcd1"}); err != nil {
		fmt.Println("no")
		return
	}
	fmt.Println("yes")
}
EOF
debian gnutls-bin libgnutls-dane0 libunbound8 libopts25 libevent-2.1-7 libnss3-tools libnss3 libnspr4
tool() { LD_LIBRARY_PATH=$cache/debian/usr/lib/x86_64-linux-gnu "$cache/debian/usr/bin/$1" "${@:2}"; }
verdict() { "$@" >"$work/out" 2>&1 && echo yes || echo no; }
expect 'release of GnuTLS' 3.7.9 "$(tool certtool --version | sed -n '1s/.* //p')"

cd "$work"
curve=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
openssl req -x509 "${curve[@]}" -subj /CN=ca -keyout ca.key -out ca.pem -addext keyUsage=critical,keyCertSign 2>out
openssl req "${curve[@]}" -subj /CN=leaf -keyout leaf.key -out leaf.csr 2>out
printf 'basicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:etcd1\n' >leaf.ext
openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile leaf.ext -out leaf.pem 2>out

nss() {
  rm -rf nss && mkdir nss
  tool certutil -N -d sql:nss --empty-password
  tool certutil -A -d sql:nss -n ca -t CT,C,C -i "$1"
  verdict tool vfychain -d sql:nss -a -u 1 leaf.pem
}
expect 'anew, go' yes "$(./run)"
for ca in ca:yes anew:no; do
  expect "${ca%:*}, openssl" "${ca#*:}" "$(verdict openssl verify -CAfile "${ca%:*}.pem" leaf.pem)"
  expect "${ca%:*}, gnutls" "${ca#*:}" "$(verdict tool certtool --verify --load-ca-certificate "${ca%:*}.pem" --infile leaf.pem)"
  expect "${ca%:*}, nss" "${ca#*:}" "$(nss "${ca%:*}.pem")"
done
