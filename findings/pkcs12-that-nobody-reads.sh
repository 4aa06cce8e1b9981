#!/usr/bin/env bash
# go-pkcs12's newest encoder writes files that neither OpenSSL 3.0 nor Java 17 reads, and
# OpenSSL blames the password; one without a password hides the key from Java; a CA
# that OpenSSL put into PKCS#12 is none for Java.
#
# Version   go-pkcs12 0.7.4, OpenSSL 3.0, OpenJDK 17 (Debian 12)
# Behaviour Modern2026 (PBMAC1): OpenSSL "Mac verify error: invalid password?", keytool
#           "Algorithm HmacPBE1.2.840.113549.1.5.14 not available"; Modern2023: both
#           read it; Passwordless: OpenSSL reads, keytool finds 0 entries; `openssl
#           pkcs12 -export -nokeys`: 0 entries, go-pkcs12's EncodeTrustStore: 1
# Seen      as above
#
# keytool is taken from the machine (openjdk-17-jre-headless).
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

command -v keytool >"$work/out" || { echo 'apt-get install openjdk-17-jre-headless' >&2; exit 1; }
program software.sslmate.com/src/go-pkcs12@v0.7.4 <<'EOF'
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

func write(file string, content []byte, err error) {
	if err == nil {
		err = os.WriteFile(file, content, 0o600)
	}
	if err != nil {
		panic(err)
	}
}

func main() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "etcd1"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	write("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), err)
	certificate, _ := x509.ParseCertificate(der)
	for name, encoder := range map[string]*pkcs12.Encoder{"2023": pkcs12.Modern2023, "2026": pkcs12.Modern2026} {
		content, err := encoder.Encode(key, certificate, nil, "changeit")
		write(name+".p12", content, err)
	}
	content, err := pkcs12.Passwordless.Encode(key, certificate, nil, "")
	write("none.p12", content, err)
	content, err = pkcs12.Modern2023.EncodeTrustStore([]*x509.Certificate{certificate}, "changeit")
	write("trust.p12", content, err)
}
EOF
cd "$work"
./run
by_openssl() { openssl pkcs12 -in "$1" -passin "pass:$2" -nodes 2>&1 | grep -c -e '-----BEGIN' || true; }
by_java() { keytool -list -keystore "$1" -storepass "$2" 2>&1 </dev/null | grep -cE 'PrivateKeyEntry|trustedCertEntry' || true; }
expect 'Modern2023: PEM blocks by OpenSSL' 2 "$(by_openssl 2023.p12 changeit)"
expect 'Modern2023: entries by Java' 1 "$(by_java 2023.p12 changeit)"
expect 'Modern2026: PEM blocks by OpenSSL' 0 "$(by_openssl 2026.p12 changeit)"
expect 'Modern2026: OpenSSL says' 'Mac verify error: invalid password?' "$( (openssl pkcs12 -in 2026.p12 -passin pass:changeit -nodes 2>&1 || true) | head -1)"
expect 'Modern2026: entries by Java' 0 "$(by_java 2026.p12 changeit)"
expect 'Passwordless: PEM blocks by OpenSSL' 2 "$(by_openssl none.p12 '')"
expect 'Passwordless: entries by Java' 0 "$(by_java none.p12 '')"
expect 'trust store of go-pkcs12: entries by Java' 1 "$(by_java trust.p12 changeit)"
openssl pkcs12 -export -nokeys -in ca.pem -out openssl.p12 -passout pass:changeit
expect 'trust store of OpenSSL: entries by Java' 0 "$(by_java openssl.p12 changeit)"
