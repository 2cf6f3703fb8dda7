#!/usr/bin/env bash
# Writes seeds for the target `pgp` into a folder: messages of the cases, armored and binary, and files of keys.
#
#   ./seeds.sh corpus/pgp && cargo +nightly fuzz run pgp corpus/pgp -- -max_len=16384
set -euo pipefail

to=${1:?usage: seeds.sh FOLDER}
tests=$(cd "$(dirname "$0")/../tests/sops" && pwd)
mkdir -p "$to"
for case in "$tests"/cases/pgp-*/encrypted.json; do
  name=$(basename "$(dirname "$case")")
  jq -rj '.sops.pgp[0].enc' "$case" >"$to/$name.asc"
  gpg --batch --quiet --yes --output "$to/$name" --dearmor <"$to/$name.asc" 2>/dev/null || :
done
for key in "$tests"/keys/*.asc; do
  cp "$key" "$to/"
  gpg --batch --quiet --yes --output "$to/$(basename "$key" .asc).key" --dearmor <"$key"
done
echo "$(ls "$to" | wc -l) seeds"
