#!/usr/bin/env bash
# The check of all members' data that etcd makes from time to time takes the leader's for right: where that is the
# one that differs, the alarm CORRUPT names one of the good ones.
#
# Version   etcd 3.5.35, 3.6.16, 3.7.3
# Behaviour three members, the leader has another value than both others, and --corrupt-check-time: 3.6 and 3.7 raise the
#           alarm for a follower, 3.5 for nobody. The check after a compaction (CompactHashCheck) goes by
#           what most have, and names the leader
# Seen      right; wrong
#
# Who replaces the member that the alarm names has the leader's data twice, and no majority that is right.
# Compare `endpoint hashkv` of all of them first.
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

# program MODULE@VERSION...: builds the Go program on standard input against them.
program() {
  mkdir -p "$work/program"
  cat >"$work/program/main.go"
  (cd "$work/program" && rm -f go.mod go.sum && go mod init finding && go get "$@" . && go build -o ../run .) >"$work/install" 2>&1 ||
    { cat "$work/install" >&2; exit 1; }
}

# three VERSION NAMES FLAG...: starts those of the three members m0, m1 and m2 that are named, with the flags.
three() {
  local version=$1 i
  for i in $2; do
    "$cache/etcd-$version/etcd" --name "m$i" --data-dir "$work/$version.$i" --unsafe-no-fsync --heartbeat-interval 100 \
      --election-timeout $((i == 0 ? 1000 : 5000)) --initial-cluster "m0=${peers[0]},m1=${peers[1]},m2=${peers[2]}" \
      --listen-client-urls "${clients[i]}" --advertise-client-urls "${clients[i]}" \
      --listen-peer-urls "${peers[i]}" --initial-advertise-peer-urls "${peers[i]}" "${@:3}" >"$work/$i.log" 2>&1 &
    pids[i]=$!
  done
}

halt() { # halt NAMES...: stops these
  local i
  for i in "$@"; do kill -KILL "${pids[i]}"; done
  for i in "$@"; do wait "${pids[i]}" || true; done
} 2>/dev/null

at() { # at NAME ARGUMENT...: etcdctl asks that one
  local i=$1
  shift
  ETCDCTL_ENDPOINTS=${clients[i]} etcdctl "$@"
}

program go.etcd.io/bbolt@v1.4.3 <<'END'
package main

import (
	"bytes"
	"os"

	"go.etcd.io/bbolt"
)

// It makes another value of the one in a stopped member's database, as a disk that errs does.
func main() {
	db, err := bbolt.Open(os.Args[1], 0o600, nil)
	if err != nil {
		panic(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		keys, found := tx.Bucket([]byte("key")), map[string][]byte{}
		keys.ForEach(func(k, v []byte) error {
			if bytes.Contains(v, []byte("right")) {
				found[string(k)] = bytes.ReplaceAll(v, []byte("right"), []byte("wrong"))
			}
			return nil
		})
		for k, v := range found {
			if err := keys.Put([]byte(k), v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	db.Close()
}
END

flag() {
  case $1 in 3.5.*) echo --experimental-corrupt-check-time=2s ;; *) echo --corrupt-check-time=2s ;; esac
}

alarmed() { [ -n "$(etcdctl alarm list)" ]; }

# named tells what the one has that the alarm names.
named() {
  local i alarms
  await alarmed
  alarms=$(etcdctl alarm list)
  for i in 0 1 2; do
    if [[ $alarms == *"memberID:$(curl -s "${clients[i]}/v3/maintenance/status" -d '{}' | jq -r .header.member_id) "* ]]; then
      at $i get k --consistency s --print-value-only
    fi
  done
}

for version in 3.5.35 3.6.16 3.7.3; do
  install "$version"
  export PATH="$cache/etcd-$version:$PATH"
  peers=("http://127.0.0.1:$(port)" "http://127.0.0.1:$(port)" "http://127.0.0.1:$(port)")
  clients=("http://127.0.0.1:$(port)" "http://127.0.0.1:$(port)" "http://127.0.0.1:$(port)")
  pids=()
  export ETCDCTL_ENDPOINTS=${clients[0]}
  three "$version" '0 1 2'
  await etcdctl put k right
  for i in 0 1 2; do await at "$i" get k; done
  sleep 1 # what they have is in their databases
  halt 0 1 2
  "$work/run" "$work/$version.0/member/snap/db"
  three "$version" '0 1 2' "$(flag "$version")"
  await etcdctl get k
  expect "$version: the leader has" m0 "$(for i in 0 1 2; do at $i endpoint status -w fields |
    awk -v i=$i '/"MemberID"/ {m = $3} /"Leader"/ {l = $3} END {if (m == l) print "m" i}'; done)"
  case $version in 3.5.*) want='' ;; *) want=right ;; esac
  expect "$version: what the one has that the alarm names" "$want" "$(named)"
  case $version in 3.5.*) halt 0 1 2; continue ;; esac
  etcdctl alarm disarm >/dev/null
  halt 0 1 2
  three "$version" '0 1 2' --feature-gates=CompactHashCheck=true --compact-hash-check-time=1s
  await etcdctl put l later
  etcdctl compaction "$(etcdctl get k -w json | jq .header.revision)" >/dev/null
  expect "$version: the same by the check after a compaction" wrong "$(named)"
  halt 0 1 2
done
