#!/usr/bin/env bash
# age encrypts for those of a file of keys that it can, and ends with 0; and of what it cannot decrypt to the end it leaves
# the beginning in the file that was asked for.
#
# Version   filippo.io/age 1.3.2
# Behaviour -R with a file of an age key and an ECDSA key of ssh, as authorized_keys may have: a warning, exit code 0, and the
#           owner of the ssh key can't read it. -d -o FILE of a file that was cut off: exit code 1, and FILE is there, a
#           part of what was encrypted
# Seen      0, one recipient; 1, 196608 bytes
#
# A backup for three is one for two. Look at standard error, and delete what a failed -d has left.
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

if ! [ -x "$cache/age-1.3.2/age" ]; then
  (mkdir -p "$work/age" "$cache/age-1.3.2" && cd "$work/age" && export CGO_ENABLED=0 && go mod init finding &&
    go get filippo.io/age/cmd/age@v1.3.2 filippo.io/age/cmd/age-keygen@v1.3.2 &&
    go build -trimpath -o "$cache/age-1.3.2/age-keygen" filippo.io/age/cmd/age-keygen &&
    go build -trimpath -o "$cache/age-1.3.2/age" filippo.io/age/cmd/age) >"$work/install" 2>&1 || { cat "$work/install" >&2; exit 1; }
fi
export PATH="$cache/age-1.3.2:$PATH"

coded() { # coded COMMAND...: its exit code
  local code=0
  "$@" >"$work/out" 2>&1 || code=$?
  echo "$code"
}
cd "$work"
age-keygen -o id 2>/dev/null
age-keygen -y id >keys
ssh-keygen -q -t ecdsa -N '' -f ssh
cat ssh.pub >>keys
head -c 300000 /dev/urandom >backup

expect 'encrypted for an age key and an ECDSA key: exit code' 0 "$(coded age -R keys -o backup.age backup)"
expect 'what it says' 'ignoring unsupported SSH key of type "ecdsa-sha2-nistp256" at line 2' "$(grep -o 'ignoring.*' out)"
expect 'for whom it is' '-> X25519' "$(sed -n '/^---/q; /^->/p' backup.age | cut -d' ' -f1,2 | grep -v grease)"
head -c 200000 backup.age >cut.age
expect 'decrypted after it was cut off: exit code' 1 "$(coded age -d -i id -o got cut.age)"
expect 'what is there of 300,000 bytes' 196608 "$(stat -c %s got)"
