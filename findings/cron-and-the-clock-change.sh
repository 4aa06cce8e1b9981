#!/usr/bin/env bash
# A job of robfig/cron at an hour that the clock skips does not run that day, at one
# that comes twice it runs twice, and one whose next time is over five years away never.
#
# Version   robfig/cron 3.0.1, with the time zone data of Go 1.26
# Behaviour 30 2 * * * in Berlin: nothing on 2027-03-28, twice on 2026-10-25;
#           0 0 29 2 * asked in 2097: the zero time, though 2104 is a leap year
# Seen      2027-03-29 02:30 +0200; 02:30 +0200 and 02:30 +0100; 0001-01-01
#
# A backup "every night at half past two" is missing once a year, and a retention of
# "the newest of each day" counts one day twice.
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

program github.com/robfig/cron/v3@v3.0.1 <<'EOF'
package main

import (
	"fmt"
	"time"
	_ "time/tzdata"

	"github.com/robfig/cron/v3"
)

func next(spec string, from time.Time, times int) {
	schedule, err := cron.ParseStandard(spec)
	if err != nil {
		panic(err)
	}
	for range times {
		from = schedule.Next(from)
		fmt.Print(from.Format("2006-01-02T15:04-0700 "))
	}
	fmt.Println()
}

func main() {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	next("30 2 * * *", time.Date(2027, 3, 27, 12, 0, 0, 0, berlin), 1)
	next("30 2 * * *", time.Date(2026, 10, 24, 12, 0, 0, 0, berlin), 3)
	next("0 0 29 2 *", time.Date(2097, 1, 1, 0, 0, 0, 0, time.UTC), 1)
}
EOF
"$work/run" >"$work/times"
expect 'the hour that is skipped' '2027-03-29T02:30+0200 ' "$(sed -n 1p "$work/times")"
expect 'the hour that comes twice' '2026-10-25T02:30+0200 2026-10-25T02:30+0100 2026-10-26T02:30+0100 ' "$(sed -n 2p "$work/times")"
expect 'over five years' '0001-01-01T00:00+0000 ' "$(sed -n 3p "$work/times")"
