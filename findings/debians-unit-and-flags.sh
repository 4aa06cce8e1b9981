#!/usr/bin/env bash
# Debian's unit of etcd gives it ETCD_NAME and ETCD_DATA_DIR, so that the flags for those in
# DAEMON_ARGS of /etc/default/etcd, which is what that is for, end it; and what ends with an
# exit code is not started again.
#
# Version   etcd-server 3.4.23 (Debian 12)
# Behaviour DAEMON_ARGS of "--name m" or "--data-dir D": exit code 1, conflicting environment
#           variable; the same as ETCD_NAME in that file: starts; Restart=on-abnormal
# Seen      conflicting environment variable is shadowed by corresponding command-line flag
#
# A member whose start failed, as its DNS was not up, stays down after a boot.
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

port() {
  local port
  while port=$((20000 + RANDOM % 20000)); (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
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

debian etcd-server
unit=$cache/debian/lib/systemd/system/etcd.service

# runs DAEMON_ARGS [VARIABLE]: what etcd says with those and the unit's variables, run as the
# unit does but for its data and ports
runs() {
  local variables=(ETCD_LISTEN_CLIENT_URLS="http://127.0.0.1:$(port)" ETCD_ADVERTISE_CLIENT_URLS=http://127.0.0.1:1
    ETCD_LISTEN_PEER_URLS="http://127.0.0.1:$(port)")
  readarray -t -O 3 variables < <(sed -n "s/^Environment=ETCD/ETCD/p" "$unit" | sed "s,%H,host,; s,/var/lib,$work,")
  : >"$work/log"
  mkdir -p "$work/etcd"
  env -i "${variables[@]}" ${2:+"$2"} "$cache/debian/usr/bin/etcd" $1 >>"$work/log" 2>&1 &
  for ((SECONDS = 0; SECONDS < 20;)); do
    if grep -qs 'ready to serve client requests' "$work/log"; then echo starts; break; fi
    if ! kill -0 $! 2>/dev/null; then grep -o 'conflicting environment variable' "$work/log" | head -1; break; fi
    sleep 0.1
  done
  kill $! 2>/dev/null || true
  wait $! 2>/dev/null || true
}

expect "the unit's variables" 'ETCD_NAME=%H ETCD_DATA_DIR=/var/lib/etcd/default' "$(sed -n 's/^Environment=ETCD/ETCD/p' "$unit" | paste -sd' ')"
expect 'as it comes' starts "$(runs '')"
expect 'DAEMON_ARGS="--name m"' 'conflicting environment variable' "$(runs '--name m')"
expect 'DAEMON_ARGS="--data-dir ..."' 'conflicting environment variable' "$(runs "--data-dir $work/another")"
expect 'ETCD_NAME in /etc/default/etcd' starts "$(runs '' ETCD_NAME=m)"
expect 'when it is started again' on-abnormal "$(sed -n 's/^Restart=//p' "$unit")"
