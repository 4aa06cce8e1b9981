#!/usr/bin/env bash
# cfssl makes names of DNS of hosts that are none, as an address with a port, and an authority that may sign others without end of
# one that was to sign none.
#
# Version   cfssl 1.6.5
# Behaviour "hosts": ["10.0.0.1:2379", "[::1]"]: exit code 0, and names that nobody asks for; a URL is one of URI.
#           "ca": {"pathlen": 0}: no limit, as "pathlenzero": true has to be beside it
# Seen      DNS:10.0.0.1:2379, DNS:[::1], URI:https://10.0.0.2:2379; CA:TRUE
#
# Clients are told that the certificate is not for 10.0.0.1. Write hosts without port and brackets.
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

tools=$cache/cfssl-1.6.5
if [ ! -x "$tools/cfssljson" ]; then
  mkdir -p "$work/build" "$tools"
  (cd "$work/build"
   export CGO_ENABLED=0
   go mod init finding
   go get github.com/cloudflare/cfssl/cmd/cfssl@v1.6.5 github.com/cloudflare/cfssl/cmd/cfssljson@v1.6.5
   for program in cfssl cfssljson; do go build -trimpath -o "$tools/$program" "github.com/cloudflare/cfssl/cmd/$program"; done) >"$work/install" 2>&1 ||
    { cat "$work/install" >&2; exit 1; }
fi
PATH=$tools:$PATH

cd "$work"
authority() { # authority CA: the constraints of an authority
  jq -n "{CN: \"etcd\", key: {algo: \"ecdsa\", size: 256}, ca: $1}" >ca.json
  cfssl gencert -initca ca.json 2>said | cfssljson -bare ca
  openssl x509 -in ca.pem -noout -ext basicConstraints | sed -n 's/^ *//; 2p'
}
expect 'an authority with pathlen 0' 'CA:TRUE' "$(authority '{pathlen: 0}')"
expect 'and with pathlenzero' 'CA:TRUE, pathlen:0' "$(authority '{pathlen: 0, pathlenzero: true}')"

echo '{"CN": "m", "key": {"algo": "ecdsa", "size": 256}, "hosts": ["10.0.0.1:2379", "[::1]", "https://10.0.0.2:2379"]}' >member.json
cfssl gencert -ca ca.pem -ca-key ca-key.pem member.json 2>said | cfssljson -bare member
expect 'hosts with ports' 'DNS:10.0.0.1:2379, DNS:[::1], URI:https://10.0.0.2:2379' \
  "$(openssl x509 -in member.pem -noout -ext subjectAltName | sed -n 's/^ *//; 2p')"
expect 'what it says of them' '' "$(grep -v '\[INFO\]' said || true)"
