#!/bin/sh
# check.sh UNIT BINARY: systemd finds nothing wrong with the unit, and rates it as well confined.
# Exit 77 (skipped) where there is no systemd-analyze.
set -eu
unit=$1 binary=$(realpath "$2")
command -v systemd-analyze >/dev/null || exit 77
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# verify wants the program to be there, which it is not before an installation.
sed "s|^ExecStart=[^ ]*|ExecStart=$binary|; /^Documentation=/d" "$unit" >"$folder/skald.service"
systemd-analyze verify --man=no "$folder/skald.service" >"$folder/said" 2>&1 || { cat "$folder/said"; exit 1; }
# It also speaks about other units of this machine, which are not ours to judge.
if grep -F skald.service "$folder/said"; then
    exit 1
fi
if systemd-analyze security --help | grep -q -- --offline; then
    systemd-analyze security --offline=yes --threshold=20 "$folder/skald.service"
fi
