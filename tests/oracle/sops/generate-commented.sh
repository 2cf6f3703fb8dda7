#!/usr/bin/env bash
# Adds the cases with comments to libs/sops/tests/sops: YAML, and the rules by which comments choose what is encrypted.
#
#   sops=/path/to/sops ./generate-commented.sh
#
# It uses the keys that generate.sh made, and leaves its cases alone.
set -euo pipefail

here=$(cd "$(dirname "$0")/../../.." && pwd)
out=$here/libs/sops/tests/sops
sops=$(command -v "${sops:-sops}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work SOPS_DISABLE_VERSION_CHECK=1
cat "$out"/keys/{first,second,third}.age >"$work/identities"
export SOPS_AGE_KEY_FILE=$work/identities
recipient=$(age-keygen -y "$out/keys/first.age")
rm -rf "$out"/cases/commented-*

declare -A type=([yaml]=yaml [env]=dotenv [ini]=ini)
# document NAME: notes a plain document from standard input.
document() { cat >"$work/$1.yaml"; }

document top <<'D'
# above the document

# above the first key
a: 1
D
document behind <<'D'
a: 1 # behind a number
b: "two" # behind a text
c: # behind a key
  d: true # inside
e: | # behind a mark
  text
f: null #without a space
D
document between <<'D'
a: 1
# below a, above b
b: 2

# above c, after an empty line
c: 3
# below c

# on its own

d: 4
D
document nested <<'D'
# of a
a:
  # of b
  b:
    # of c
    c: 1
    # below c
  # below b
# below a
d:
    e: 2
    # below e

# above f
f: 3
D
document tail <<'D'
a: 1
# below the last

# at the end
D
document lists <<'D'
# above the list
list:
# above one
- one # behind one
# above two
- two
# below two

other:
  - key: value # behind
    # in the item
    more: 1
  # above a list in a list
  - - x
    # above y
    - y
D
document empty <<'D'
#
a: 1 #
##
b: {} # behind a map
#  spaces
c: [] # behind a list
#
D
document only <<'D'
a: 1
---
# nothing but a comment
---
b: 2
D
document several <<'D'
# first
a: 1
# end of the first
---
# second
b: 2 # behind

# end of the second
---
c:
  # inside
  d: 3
D
document marked <<'D'
# keep this one secret: please
a: hidden
b: plain
# please
# another line
c:
  d: hidden
  # below
  e: 2
f: plain # please
# no mark
g: 5
D
document anchors <<'D'
# of the anchor
base: &base # behind
  # inside
  x: 1
copy: *base # behind the alias
# below
D
document unicode <<'D'
# grüße 世界 🚀
a: ü # ß
#	a tab
b: 1
D

finish() { # CASE EXTENSION [FLAG...]
  local case=$out/cases/$1 extension=$2
  shift 2
  [ $# = 0 ] || printf '%s\n' "$@" >"$case/flags"
  if ! "$sops" decrypt --input-type "${type[$extension]}" --output-type "${type[$extension]}" "$@" "$case/encrypted.$extension" \
    >"$case/expected" 2>"$work/error"; then
    rm "$case/expected"
    sed "s#$out/cases/##g" "$work/error" >"$case/expected_error"
  fi
}

encrypt() { # CASE FILE SOPS-FLAG...
  local case=$out/cases/$1 file=$2 extension=${2##*.}
  shift 2
  mkdir -p "$case"
  local to=(--age "$recipient")
  [ -z "${SOPS_CONFIG:-}" ] || to=()
  "$sops" encrypt "${to[@]}" --input-type "${type[$extension]}" --output-type "${type[$extension]}" "$@" "$file" \
    >"$case/encrypted.$extension"
}

encrypt_by() { # CASE FILE RULE VALUE [LINE]: with a rule that only a configuration can ask for
  printf 'creation_rules:\n- age: %s\n  %s: %s\n%s\n' "$recipient" "$3" "$4" "${5:-}" >"$work/.sops.yaml"
  SOPS_CONFIG=$work/.sops.yaml encrypt "$1" "$2"
}

for plain in "$work"/*.yaml; do
  name=$(basename "$plain" .yaml)
  encrypt "commented-$name" "$plain"
  finish "commented-$name" yaml
  encrypt "commented-$name-ignored" "$plain"
  finish "commented-$name-ignored" yaml --ignore-mac
  encrypt "commented-$name-by-key" "$plain" --encrypted-regex '^[bd]$'
  finish "commented-$name-by-key" yaml
  encrypt_by "commented-$name-mac-only-encrypted" "$plain" unencrypted_regex '^[ace]$' '  mac_only_encrypted: true'
  finish "commented-$name-mac-only-encrypted" yaml
  encrypt_by "commented-$name-encrypted-comment" "$plain" encrypted_comment_regex 'please|above|first'
  finish "commented-$name-encrypted-comment" yaml
  encrypt_by "commented-$name-unencrypted-comment" "$plain" unencrypted_comment_regex '^ ?(please|below|behind)'
  finish "commented-$name-unencrypted-comment" yaml
done

printf '# please\nA=1\nB=2\n# no mark\nC=3\n# please\n# more\nD=4\n' >"$work/marks.env"
printf '[a]\n; please\nk = v\nl = w\n; other\nm = x\n' >"$work/marks.ini"
for kind in env ini; do
  for rule in encrypted unencrypted; do
    encrypt_by "commented-$kind-$rule-comment" "$work/marks.$kind" "${rule}_comment_regex" please
    finish "commented-$kind-$rule-comment" "$kind"
  done
done

tamper() { # NAME FROM SED-EXPRESSION [FLAG...]
  local case=$out/cases/commented-tampered-$1 from=$out/cases/commented-$2/encrypted.yaml
  mkdir -p "$case"
  sed -E "$3" "$from" >"$case/encrypted.yaml"
  ! cmp -s "$from" "$case/encrypted.yaml" || { echo "tampering $1 changed nothing" >&2; exit 1; }
  local name=commented-tampered-$1
  shift 3
  finish "$name" yaml "$@"
}
tamper comment between '0,/#ENC\[AES256_GCM,data:..../s//#ENC[AES256_GCM,data:AAAA/'
tamper comment-removed between '0,/^#ENC.*/s///'
tamper comment-added between '1i # added by hand'
tamper comment-moved nested '0,/^( +)#ENC(.*)/s//#ENC\2/'
tamper comment-as-text between '0,/type:comment/s//type:str/'
tamper comment-as-number between '0,/type:comment/s//type:int/'
tamper text-as-comment behind '/^b:/s/type:str/type:comment/'
tamper mark marked-encrypted-comment '0,/#(.*)please/s//#\1thanks/'
tamper mark-ignored marked-encrypted-comment '0,/#(.*)please/s//#\1thanks/' --ignore-mac
tamper windows-breaks between 's/$/\r/'
echo "$(ls -d "$out"/cases/commented-* | wc -l) cases, $(ls "$out"/cases/commented-*/expected | wc -l) decrypt"
