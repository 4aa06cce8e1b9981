#!/usr/bin/env bash
# cfssl makes a certificate of a misspelt usage and of a misspelt profile, without a word:
# the usage is left out, and the profile is another.
#
# Version   cfssl 1.6.5
# Behaviour "client_auth" instead of "client auth" in a profile: exit code 0, no warning,
#           and a certificate for servers only; -profile pear where there is a peer: exit
#           code 0, no warning, and the default profile's time and usages, or without one
#           cfssl's own: a year, for everything
# Seen      TLS Web Server Authentication; 365 days instead of 1825
#
# etcd's members need both usages for each other, and end up without peers. Look at what
# was made: openssl x509 -ext extendedKeyUsage.
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

config() { # config DEFAULT USAGES...
  local first=$1
  shift
  jq -n "{signing: {profiles: {peer: {expiry: \"43800h\", usages: \$ARGS.positional}}}} * $first" --args "$@" >config.json
}

# made PROFILE: makes a certificate, and says what cfssl said beside its usual lines, the
# usages that it is for, and how many days.
made() {
  rm -f member.pem
  cfssl gencert -ca ca.pem -ca-key ca-key.pem -config config.json -profile "$1" member.json 2>said | cfssljson -bare member
  grep -v '\[INFO\]' said || true
  openssl x509 -in member.pem -noout -ext extendedKeyUsage | sed -n 's/^ *//; 2p'
  echo $((($(date -d "$(openssl x509 -in member.pem -noout -enddate | cut -d= -f2)" +%s) - $(date -d "$(openssl x509 -in member.pem -noout -startdate | cut -d= -f2)" +%s)) / 86400))
}

echo '{"CN": "etcd", "key": {"algo": "ecdsa", "size": 256}}' >ca.json
echo '{"CN": "etcd1", "hosts": ["etcd1"], "key": {"algo": "ecdsa", "size": 256}}' >member.json
cfssl gencert -initca ca.json 2>said | cfssljson -bare ca

both='TLS Web Server Authentication, TLS Web Client Authentication'
config '{}' signing 'server auth' 'client auth'
expect 'as it is meant' "$both"$'\n1825' "$(made peer)"
expect 'a profile that is not there' "$both"$'\n365' "$(made pear)"
config '{signing: {default: {expiry: "24h", usages: ["signing", "server auth"]}}}' signing 'server auth' 'client auth'
expect 'a profile that is not there, and a default' $'TLS Web Server Authentication\n1' "$(made pear)"
config '{}' signing 'server auth' 'client_auth'
expect 'client_auth' $'TLS Web Server Authentication\n1825' "$(made peer)"
