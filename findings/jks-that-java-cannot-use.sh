#!/usr/bin/env bash
# keystore-go stores what Java lists and cannot use: aliases with capitals under
# WithCaseExactAliases, and a key that is not PKCS#8.
#
# Version   keystore-go 4.5.0, OpenJDK 17 (Debian 12)
# Behaviour without the option aliases become lower case and are found; with it keytool
#           says "Alias <Etcd1> does not exist" of an alias that it has just read; a
#           key in SEC 1 form is stored without a word, listed, and cannot be taken out
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
program github.com/pavlo-v-chernykh/keystore-go/v4@v4.5.0 <<'EOF'
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"os"
	"time"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func store(file string, key, certificate []byte, options ...keystore.Option) {
	password := []byte("changeit")
	store := keystore.New(options...)
	chain := []keystore.Certificate{{Type: "X.509", Content: certificate}}
	must(store.SetPrivateKeyEntry("Etcd1", keystore.PrivateKeyEntry{CreationTime: time.Now(), PrivateKey: key, CertificateChain: chain}, password))
	out, err := os.Create(file)
	must(err)
	must(store.Store(out, password))
	must(out.Close())
}

func main() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "etcd1"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	sec1, err := x509.MarshalECPrivateKey(key)
	must(err)
	store("lower.jks", pkcs8, certificate)
	store("exact.jks", pkcs8, certificate, keystore.WithCaseExactAliases())
	store("sec1.jks", sec1, certificate)
}
EOF
cd "$work"
./run
listed() { keytool -list -keystore "$1" -storepass changeit 2>&1 </dev/null | grep -oE 'contains [0-9]+ entr|Alias <.*> does not exist' | paste -sd' ' || true; }
key() { # key FILE: whether the key itself can be taken out
  rm -f out.p12
  keytool -importkeystore -srckeystore "$1" -srcstorepass changeit -srcalias etcd1 -srckeypass changeit \
    -destkeystore out.p12 -deststoretype PKCS12 -deststorepass changeit -noprompt >out 2>&1 </dev/null && echo yes || echo no
}
expect 'lower case: listed' 'contains 1 entr' "$(listed lower.jks)"
expect 'lower case: key' yes "$(key lower.jks)"
expect 'exact case: listed' 'contains 1 entr Alias <Etcd1> does not exist' "$(listed exact.jks)"
expect 'exact case: key' no "$(key exact.jks)"
expect 'SEC 1: listed' 'contains 1 entr' "$(listed sec1.jks)"
expect 'SEC 1: key' no "$(key sec1.jks)"
