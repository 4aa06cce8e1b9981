#!/bin/sh
# Installs etcdctr from a release: fetches the archive for this machine, compares
# it with the release's SHA256SUMS, and puts the program in place, whole or not at
# all. Nothing runs as root that you do not run as root.
#
#     curl -fsSL https://github.com/etcdctr/etcdctr/releases/latest/download/install.sh | sh
#
# ETCDCTR_VERSION   the release, as v0.1.0 (default: the latest)
# ETCDCTR_BIN_DIR   the folder (default: /usr/local/bin for root, ~/.local/bin for others)
# ETCDCTR_DOWNLOAD  where releases are, if it is not GitHub
set -eu

fail() {
	echo "install.sh: $*" >&2
	exit 1
}

# fetch URL FILE
fetch() {
	if command -v curl >/dev/null 2>&1; then
		curl -fsSL --retry 3 -o "$2" "$1"
	elif command -v wget >/dev/null 2>&1; then
		wget -q -O "$2" "$1"
	else
		fail "neither curl nor wget is here: install one of them"
	fi || fail "cannot fetch $1"
}

# sum FILE prints its SHA-256.
sum() {
	if command -v sha256sum >/dev/null 2>&1; then
		sha256sum <"$1" | cut -d ' ' -f 1
	elif command -v shasum >/dev/null 2>&1; then
		shasum -a 256 <"$1" | cut -d ' ' -f 1
	else
		fail "neither sha256sum nor shasum is here, and nothing is installed unchecked: install one of them"
	fi
}

system() {
	case $(uname -s) in
	Linux) echo linux ;;
	Darwin) echo darwin ;;
	*) fail "no archive for $(uname -s) that this script installs: see https://github.com/etcdctr/etcdctr/releases" ;;
	esac
}

architecture() {
	case $(uname -m) in
	x86_64 | amd64) echo amd64 ;;
	aarch64 | arm64) echo arm64 ;;
	*) fail "no archive for $(uname -m): etcdctr is built for amd64 and arm64" ;;
	esac
}

# All in a function, called last: of a script that was cut short nothing runs.
main() {
	platform=$(system)
	platform=${platform}_$(architecture)
	from=${ETCDCTR_DOWNLOAD:-https://github.com/etcdctr/etcdctr/releases}
	case $from in
	https://* | http://127.0.0.1[:/]* | http://localhost[:/]*) ;;
	*) fail "ETCDCTR_DOWNLOAD=$from: releases are fetched by https, or from this machine" ;;
	esac
	release=latest/download
	[ -z "${ETCDCTR_VERSION:-}" ] || release=download/$ETCDCTR_VERSION
	to=${ETCDCTR_BIN_DIR:-$([ "$(id -u)" = 0 ] && echo /usr/local/bin || echo "${HOME:?}/.local/bin")}

	work=$(mktemp -d)
	trap 'rm -rf "$work" ${placed:+"$placed"}' EXIT
	trap 'exit 130' INT TERM

	fetch "$from/$release/SHA256SUMS" "$work/SHA256SUMS"
	line=$(grep "_$platform\.tar\.gz\$" "$work/SHA256SUMS") || fail "the release has no archive for $platform"
	want=${line%% *}
	archive=${line##* }
	fetch "$from/$release/$archive" "$work/$archive"
	got=$(sum "$work/$archive")
	[ "$got" = "$want" ] || fail "$archive is not what the release says: its SHA-256 is $got, and SHA256SUMS has $want; nothing is installed"

	tar -xzf "$work/$archive" -C "$work"
	program=$work/${archive%.tar.gz}/etcdctr
	"$program" version >/dev/null || fail "$archive holds no program that runs here"
	mkdir -p "$to" || fail "cannot make $to: name another folder by ETCDCTR_BIN_DIR"
	placed=$to/.etcdctr.$$
	cp "$program" "$placed" && chmod 755 "$placed" && mv -f "$placed" "$to/etcdctr" ||
		fail "cannot write into $to: name another folder by ETCDCTR_BIN_DIR, or run this as root"
	echo "$("$to/etcdctr" --version) is in $to"
	case :$PATH: in
	*:"$to":*) ;;
	*) echo "$to is not on your PATH: add it, or call $to/etcdctr" ;;
	esac
	echo "completion for your shell: etcdctr completion --help"
}

main
