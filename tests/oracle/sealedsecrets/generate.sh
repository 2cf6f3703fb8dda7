#!/usr/bin/env bash
# Lets the real kubeseal 0.40 seal the cases of libs/sops/tests/sealed_secret, and the controller's code unseal them.
#
#   generate.sh KUBESEAL ORACLE [CASE...]
#
# ORACLE is the program beside this (go build). Each case folder has secret.yaml and, where they differ from the defaults,
# `scope`, `certificate`, `whole` (the form of before 2019) and `edit` (a sed script over what was sealed). Written: sealed.yaml and expected.yaml, or
# expected_error. The keys guard nothing; they are made once.
set -euo pipefail
kubeseal=$(realpath "$1") oracle=$(realpath "$2"); shift 2
cd "$(dirname "$0")/../../../libs/sops/tests/sealed_secret"
for key in first second; do
  [ -e "$key.key" ] || openssl req -x509 -nodes -newkey rsa:4096 -days 36500 -subj "/CN=sealed-secret" \
    -keyout "$key.key" -out "$key.crt" 2>/dev/null
done
[ $# -gt 0 ] || set -- */
for case in "$@"; do
  case=${case%/}
  scope=$(cat "$case/scope" 2>/dev/null || echo strict)
  certificate=$(cat "$case/certificate" 2>/dev/null || echo first)
  # A case that is sealed already keeps its bytes: sealing is random.
  [ -e "$case/sealed.yaml" ] || {
    if [ -e "$case/whole" ]; then
      "$oracle" seal-whole "$certificate.crt" <"$case/secret.yaml" >"$case/sealed.yaml"
    else
      "$kubeseal" --allow-empty-data --cert "$certificate.crt" --scope "$scope" -o yaml <"$case/secret.yaml" >"$case/sealed.yaml"
    fi
    if [ -e "$case/edit" ]; then sed -i -E -f "$case/edit" "$case/sealed.yaml"; fi
  }
  rm -f "$case/expected.yaml" "$case/expected_error"
  "$oracle" unseal first.key,second.key <"$case/sealed.yaml" >"$case/expected.yaml" 2>"$case/expected_error" || rm -f "$case/expected.yaml"
  [ -s "$case/expected_error" ] || rm -f "$case/expected_error"
done
