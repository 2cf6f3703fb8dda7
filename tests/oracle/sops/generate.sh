#!/usr/bin/env bash
# Makes libs/sops/tests/sops: files that the real sops encrypted with throw-away keys, and what it decrypts them to.
#
#   sops=/path/to/sops ./generate.sh
#
# Needs sops 3.13, age-keygen, ssh-keygen and gpg 2.4. Every case is a folder: encrypted.<ext>, and `expected` or, where sops
# refuses the file, `expected_error`. `flags` holds the flags that both it and `fjord decrypt` are given.
set -euo pipefail

here=$(cd "$(dirname "$0")/../../.." && pwd)
out=$here/libs/sops/tests/sops
sops=$(command -v "${sops:-sops}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work GNUPGHOME=$work/gnupg SOPS_DISABLE_VERSION_CHECK=1
mkdir -m 700 "$GNUPGHOME"
rm -rf "$out"
mkdir -p "$out/keys" "$out/cases"

# --- keys -----------------------------------------------------------------------------------------------------------------
for name in first second third; do
  age-keygen -o "$out/keys/$name.age" 2>"$work/$name.pub"
  age-keygen -y "$out/keys/$name.age" >"$work/$name.pub"
done
ssh-keygen -q -t ed25519 -N '' -C '' -f "$out/keys/ssh_ed25519"
ssh-keygen -q -t rsa -b 2048 -N '' -C '' -f "$out/keys/ssh_rsa"
cat "$out"/keys/{first,second,third}.age >"$work/identities"
export SOPS_AGE_KEY_FILE=$work/identities
pgp() { # NAME ALGORITHM ENCRYPTION
  gpg --batch --quiet --passphrase '' --quick-gen-key "$1 <$1@example.com>" "$2" cert never
  local print
  print=$(gpg --list-keys --with-colons "$1" | awk -F: '/^fpr/ {print $10; exit}')
  gpg --batch --quiet --passphrase '' --quick-add-key "$print" "$3" encr never
  gpg --batch --quiet --armor --export-secret-keys "$print" >"$out/keys/$1.asc"
  echo "$print" >"$work/$1.pub"
}
pgp pgp_rsa rsa2048 rsa2048
pgp pgp_ecc ed25519 cv25519

# --- what is encrypted ----------------------------------------------------------------------------------------------------
mkdir "$work/plain"
cd "$work/plain"
cat >simple.yaml <<'X'
apiVersion: v1
kind: Secret
metadata:
  name: database
  namespace: default
stringData:
  user: admin
  password: "p4ss: word"
X
cat >types.yaml <<'X'
text: plain
quoted: "12"
empty: ""
spaces: "  two  "
unicode: "grüße 世界 🚀"
integer: 42
negative: -17
large: 9007199254740993
float: 3.25
small: 0.000001
tiny: 1.5e-9
huge: 1e+21
exact: 100.0
yes: true
no: false
nothing: null
hex: 0x1F
date: 2026-01-02
time: 2026-01-02T03:04:05Z
lines: |
  first
  second
folded: >-
  one
  two
kept: |+
  end

tab: "a\tb"
bell: "\a"
list: [1, two, 3.5, false, null, "", {deep: down}]
nested: {a: {b: {c: [[x], [y, z]]}}}
empties: {map: {}, list: []}
"key with: colon": value
X
cat >multi.yaml <<'X'
apiVersion: v1
kind: Secret
metadata: {name: one}
data:
  a: QQ==
---
apiVersion: v1
kind: Secret
metadata: {name: two}
data:
  b: Qg==
---
apiVersion: v1
kind: ConfigMap
metadata: {name: three}
data: {c: plain}
X
cat >simple.json <<'X'
{"auths": {"registry.example": {"username": "u", "password": "p", "auth": "dTpw"}}}
X
cat >types.json <<'X'
{"text": "a \"quoted\" <b> & \\ text\n\ttab", "unicode": "grüße 世界 🚀 \u2028", "empty": "", "integer": 42, "negative": -1,
 "large": 9007199254740993, "float": 1.5, "small": 1e-7, "huge": 1e+22, "yes": true, "no": false, "nothing": null,
 "list": [1, "two", [3, [4]], {"five": 5}, null, ""], "nested": {"a": {"b": {}}, "c": []}}
X
printf 'USER=admin\n# a comment\nPASSWORD=p4ss=word\nEMPTY=\nQUOTED="quoted value"\nSPACES=  two  \nUNICODE=grüße\n' >simple.env
printf 'ONE=1\nLINES=first\\nsecond\nURL=postgres://u:p@host/db?sslmode=require\n' >types.env
printf '[database]\nuser = admin\npassword = p4ss\n\n[cache]\n; a comment\nurl = redis://host\nempty =\n' >simple.ini
printf 'top = level\n\n[a]\nlong_key = 1\nk = two words\n\n[b.c]\nunicode = grüße\nhash = a#b\n' >types.ini
printf 'a binary file\nof two lines\n' >simple.bin
head -c 3000 /dev/urandom >types.bin
: >empty.bin
cat >rules.yaml <<'X'
apiVersion: v1
kind: Secret
metadata: {name: rules}
data: {password: secret, user_unencrypted: admin}
stringData: {token_secret: abc, plain: text, number: 7}
list_secret: [a, {b_unencrypted: c}]
X
cat >rules.json <<'X'
{"kind": "Secret", "data": {"password": "secret", "user_unencrypted": "admin"}, "stringData": {"token_secret": "abc", "plain": "text"}}
X
printf 'password=secret\nuser_unencrypted=admin\ntoken_secret=abc\nplain=text\n' >rules.env
printf '[data]\npassword = secret\nuser_unencrypted = admin\ntoken_secret = abc\nplain = text\n' >rules.ini
cp simple.bin rules.bin

cat >commented.ini <<'X'
; top comment
# second top
top = 1
; before a
[a]
; first in a
; second in a
k = v
; in the middle
# hash comment
long = w ; inline
; end of a

; before b
[b]
x = 1
; end of b
X
printf '# first\n#second\nA=1\n\n#  third\nB_unencrypted=plain\n#\nC=#no comment\n' >commented.env

kinds=(yaml json env ini bin)
declare -A type=([yaml]=yaml [json]=json [env]=dotenv [ini]=ini [bin]=binary)
first=$(<"$work/first.pub") second=$(<"$work/second.pub") third=$(<"$work/third.pub")
ed=$(<"$out/keys/ssh_ed25519.pub") rsa=$(<"$out/keys/ssh_rsa.pub")
rm "$out"/keys/*.pub
gpg_rsa=$(<"$work/pgp_rsa.pub") gpg_ecc=$(<"$work/pgp_ecc.pub")

# --- cases ----------------------------------------------------------------------------------------------------------------
# finish CASE EXTENSION [FLAG...]: asks the real sops what the encrypted file decrypts to.
finish() {
  local case=$out/cases/$1 extension=$2
  shift 2
  [ $# = 0 ] || printf '%s\n' "$@" >"$case/flags"
  local format=(--input-type "${type[$extension]}" --output-type "${type[$extension]}")
  for ssh in ssh_ed25519 ssh_rsa; do
    if SOPS_AGE_SSH_PRIVATE_KEY_FILE=$out/keys/$ssh "$sops" decrypt "${format[@]}" "$@" "$case/encrypted.$extension" \
      >"$case/expected" 2>"$work/error"; then
      return
    fi
  done
  rm "$case/expected"
  sed "s#$out/cases/##g;s#$work#~#g" "$work/error" >"$case/expected_error"
}

# encrypt CASE FILE [FLAG...]
encrypt() {
  local case=$out/cases/$1 file=$2 extension=${2##*.}
  shift 2
  mkdir -p "$case"
  "$sops" encrypt --input-type "${type[$extension]}" --output-type "${type[$extension]}" "$@" "$file" >"$case/encrypted.$extension"
}

for kind in "${kinds[@]}"; do
  for file in simple types; do
    encrypt "$kind-$file-age" "$file.$kind" --age "$first"
    encrypt "$kind-$file-age-several" "$file.$kind" --age "$second,$third"
    encrypt "$kind-$file-ssh-ed25519" "$file.$kind" --age "$ed"
    encrypt "$kind-$file-ssh-rsa" "$file.$kind" --age "$rsa"
    encrypt "$kind-$file-pgp-rsa" "$file.$kind" --pgp "$gpg_rsa"
    encrypt "$kind-$file-pgp-ecc" "$file.$kind" --pgp "$gpg_ecc"
    encrypt "$kind-$file-age-and-pgp" "$file.$kind" --age "$first" --pgp "$gpg_ecc"
  done
  encrypt "$kind-unencrypted-suffix" "rules.$kind" --age "$first" --unencrypted-suffix _unencrypted
  encrypt "$kind-encrypted-suffix" "rules.$kind" --age "$first" --encrypted-suffix _secret
  encrypt "$kind-unencrypted-regex" "rules.$kind" --age "$first" --unencrypted-regex '^(kind|metadata|apiVersion|user.*)$'
  encrypt "$kind-encrypted-regex" "rules.$kind" --age "$first" --encrypted-regex '^(data|stringData)$'
  cat >"$work/.sops.yaml" <<X
creation_rules:
- encrypted_regex: password|token
  mac_only_encrypted: true
  age: $first
X
  SOPS_CONFIG=$work/.sops.yaml encrypt "$kind-mac-only-encrypted" "rules.$kind"
  # Key groups: two of three, all of two, and a group of which only one member is at hand.
  for threshold in 2 3; do
    cat >"$work/.sops.yaml" <<X
creation_rules:
- shamir_threshold: $threshold
  key_groups:
  - age: ["$first"]
  - age: ["$second"]
  - age: ["$third"]
X
    SOPS_CONFIG=$work/.sops.yaml encrypt "$kind-shamir-$threshold-of-3" "simple.$kind"
  done
  age-keygen 2>/dev/null | age-keygen -y >"$work/lost.pub"
  cat >"$work/.sops.yaml" <<X
creation_rules:
- shamir_threshold: 2
  key_groups:
  - age: ["$(<"$work/lost.pub")", "$first"]
  - age: ["$(<"$work/lost.pub")"]
  - age: ["$third"]
X
  SOPS_CONFIG=$work/.sops.yaml encrypt "$kind-shamir-one-lost" "simple.$kind"
  encrypt "$kind-key-not-at-hand" "simple.$kind" --age "$(<"$work/lost.pub")"
  encrypt "$kind-rotated" "simple.$kind" --age "$first"
  "$sops" rotate --input-type "${type[$kind]}" --output-type "${type[$kind]}" --in-place --add-age "$second" --rm-age "$first" \
    "$out/cases/$kind-rotated/encrypted.$kind"
done
for kind in env ini; do
  encrypt "$kind-commented-age" "commented.$kind" --age "$first"
  encrypt "$kind-commented-regex" "commented.$kind" --age "$first" --unencrypted-regex '^(k|A|top)$'
  encrypt "$kind-commented-ssh" "commented.$kind" --age "$ed"
done
encrypt yaml-multi multi.yaml --age "$first"
encrypt yaml-multi-regex multi.yaml --age "$first" --encrypted-regex '^(data|stringData)$'
SOPS_CONFIG=$work/.sops.yaml encrypt yaml-multi-shamir multi.yaml
encrypt bin-empty empty.bin --age "$first"

# Tampered files, each class in each format.
tamper() { # NAME KIND FROM-CASE SED-EXPRESSION [FLAG...]
  local name=$1 kind=$2 from=$3 expression=$4
  mkdir -p "$out/cases/$name"
  sed -E "$expression" "$out/cases/$from/encrypted.$kind" >"$out/cases/$name/encrypted.$kind"
  if cmp -s "$out/cases/$from/encrypted.$kind" "$out/cases/$name/encrypted.$kind"; then
    echo "tampering $name changed nothing" >&2
    exit 1
  fi
  shift 4
  [ $# = 0 ] || printf '%s\n' "$@" >"$out/cases/$name/flags"
}
for kind in "${kinds[@]}"; do
  simple=$kind-simple-age
  rule=$kind-encrypted-regex
  tamper "$kind-tampered-value" "$kind" "$simple" '0,/data:[A-Za-z0-9+\/]{2}/s//data:AA/'
  tamper "$kind-tampered-tag" "$kind" "$simple" '0,/,tag:[A-Za-z0-9+\/]{2}/s//,tag:AA/'
  tamper "$kind-tampered-iv" "$kind" "$simple" '0,/,iv:[A-Za-z0-9+\/]{2}/s//,iv:AA/'
  tamper "$kind-tampered-type" "$kind" "$simple" '0,/type:str/s//type:int/'
  tamper "$kind-tampered-unknown-type" "$kind" "$simple" '0,/type:str/s//type:what/'
  tamper "$kind-tampered-no-base64" "$kind" "$simple" '0,/data:[A-Za-z0-9+\/]{2}/s//data:**/'
  tamper "$kind-tampered-mac" "$kind" "$simple" 's/(mac"?( *= *|: *)"?ENC\[AES256_GCM,data:)[A-Za-z0-9+\/]{2}/\1AA/'
  tamper "$kind-tampered-no-mac" "$kind" "$simple" 's/(mac"?( *= *|: *)"?)ENC\[[^]]*\]/\1/'
  tamper "$kind-tampered-no-mac-ignored" "$kind" "$simple" 's/(mac"?( *= *|: *)"?)ENC\[[^]]*\]/\1/' --ignore-mac
  tamper "$kind-tampered-date" "$kind" "$simple" 's/(lastmodified"?( *= *|: *)"?)20[0-9]{2}/\11999/'
  tamper "$kind-tampered-date-ignored" "$kind" "$simple" 's/(lastmodified"?( *= *|: *)"?)20[0-9]{2}/\11999/' --ignore-mac
  tamper "$kind-tampered-no-date" "$kind" "$simple" 's/(lastmodified"?( *= *|: *)"?)20[^"]*/\1yesterday/'
  tamper "$kind-tampered-version" "$kind" "$simple" 's/(version"?( *= *|: *)"?)[0-9.]+/\11.0/'
  tamper "$kind-tampered-recipient" "$kind" "$simple" 's/age1[a-z0-9]{8}/age1qqqqqqqq/'
  tamper "$kind-tampered-data-key" "$kind" "$simple" 's/(-> X25519 )[A-Za-z0-9+\/]{4}/\1AAAA/;s/BEGIN AGE/BEGIN AGO/'
done
for kind in yaml json env ini; do
  tamper "$kind-tampered-suffix" "$kind" "$kind-unencrypted-suffix" 's/(suffix"?( *= *|: *)"?)_unencrypted/\1_other/'
  tamper "$kind-tampered-regex" "$kind" "$kind-encrypted-regex" 's/(regex"?( *= *|: *)"?)\^\(data\|stringData\)/\1^(data)/' || true
  tamper "$kind-tampered-plain" "$kind" "$kind-mac-only-encrypted" 's/plain/plane/'
  tamper "$kind-tampered-plain-in-mac" "$kind" "$kind-encrypted-suffix" 's/plain/plane/'
  tamper "$kind-tampered-two-rules" "$kind" "$kind-encrypted-suffix" 's/^([[:space:]]*"?(sops_)?)encrypted_suffix("?( *= *|: *))"?_secret"?(,?)/&\n\1encrypted_regex\3"a"\5/'
done

for case in "$out"/cases/*/; do
  name=$(basename "$case")
  file=$(ls "$case" | grep '^encrypted')
  flags=()
  [ ! -f "$case/flags" ] || mapfile -t flags <"$case/flags"
  finish "$name" "${file##*.}" "${flags[@]}"
done
sops=$sops "$here/tests/oracle/sops/generate-commented.sh"
echo "$(ls "$out/cases" | wc -l) cases, $(ls "$out"/cases/*/expected | wc -l) decrypt"
