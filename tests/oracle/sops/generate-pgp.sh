#!/usr/bin/env bash
# Adds the cases of OpenPGP to libs/sops/tests/sops: kinds of keys, what gpg can write, and messages that were changed.
#
#   sops=/path/to/sops ./generate-pgp.sh
#
# Needs gpg 2.2 or later, rnp (for GnuPG's authenticated encryption, which 2.2 only reads), jq and Go, and the keys that
# generate.sh made. Keys and cases that are there already are kept. Cases are asked of the real sops with a GNUPGHOME into
# which the exported keys were imported without a passphrase to give, as Flux does.
set -euo pipefail

here=$(cd "$(dirname "$0")/../../.." && pwd)
out=$here/libs/sops/tests/sops
sops=$(command -v "${sops:-sops}")
work=$(mktemp -d /tmp/pgp.XXXX)
trap 'for home in "$work"/*/; do gpgconf --homedir "$home" --kill all 2>/dev/null || :; done; rm -rf "$work"' EXIT
(cd "$here/tests/oracle/sops" && go build -o "$work/change" ./pgp)
export HOME=$work SOPS_DISABLE_VERSION_CHECK=1
unset SOPS_AGE_KEY SOPS_AGE_KEY_FILE
mkdir -m 700 "$work"/{make,read,locked,one}
for home in make read locked one; do echo 'pinentry-program /bin/false' >"$work/$home/gpg-agent.conf"; done
export GNUPGHOME=$work/make
gpg="gpg --batch --quiet"

print() { gpg --list-keys --with-colons "$1" | awk -F: '/^fpr/ {print $10; exit}'; }

# --- keys -----------------------------------------------------------------------------------------------------------------
# make NAME PRIMARY SUBKEY: a key that certifies, and a subkey that encrypts.
make() {
  [ ! -f "$out/keys/pgp_$1.asc" ] || { $gpg --import "$out/keys/pgp_$1.asc"; return; }
  $gpg --passphrase '' --quick-gen-key "pgp_$1 <pgp_$1@example.com>" "$2" cert never
  $gpg --passphrase '' --quick-add-key "$(print "pgp_$1")" "$3" encr never
  $gpg --armor --export-secret-keys "pgp_$1" >"$out/keys/pgp_$1.asc"
}
for name in rsa ecc; do $gpg --import "$out/keys/pgp_$name.asc"; done
make rsa1024 rsa1024 rsa1024
make rsa3072 rsa3072 rsa3072
make rsa4096 rsa4096 rsa4096
make p256 ed25519 nistp256
make p384 nistp384 nistp384
make p521 nistp256 nistp521
make brainpool256 ed25519 brainpoolP256r1
make brainpool384 brainpoolP384r1 brainpoolP384r1
make brainpool512 ed25519 brainpoolP512r1
make secp256k1 secp256k1 secp256k1
make elgamal dsa2048 elg2048
make two ed25519 cv25519
make card ed25519 cv25519
make bundled ed25519 cv25519
if [ ! -f "$out/keys/pgp_primary.asc" ]; then
  printf '%%no-protection\nKey-Type: RSA\nKey-Length: 2048\nKey-Usage: encrypt,sign,cert\nName-Real: pgp_primary\n' >"$work/key"
  $gpg --gen-key "$work/key"
  $gpg --armor --export-secret-keys pgp_primary >"$out/keys/pgp_primary.asc"
  # A second subkey that encrypts; gpg takes the newest one unless it is told otherwise.
  $gpg --passphrase '' --quick-add-key "$(print pgp_two)" rsa2048 encr never
  $gpg --armor --export-secret-keys pgp_two >"$out/keys/pgp_two.asc"
  # Only the subkeys: the primary key stays offline.
  $gpg --armor --export-secret-subkeys pgp_card >"$out/keys/pgp_card.asc"
  # Binary, and several in one file, as one block and as one after the other.
  $gpg --export-secret-keys pgp_p256 >"$out/keys/pgp_p256.gpg"
  $gpg --armor --comment 'two keys' --export-secret-keys pgp_rsa pgp_bundled >"$out/keys/bundle_one_block.asc"
  cat "$out/keys/pgp_rsa.asc" "$out/keys/pgp_bundled.asc" >"$out/keys/bundle_two_blocks.asc"
  $gpg --armor --export pgp_ecc >"$out/keys/public.asc"
  # A passphrase.
  $gpg --passphrase secret --pinentry-mode loopback --quick-gen-key 'pgp_locked <pgp_locked@example.com>' ed25519 cert never
  $gpg --passphrase secret --pinentry-mode loopback --quick-add-key "$(print pgp_locked)" cv25519 encr never
  $gpg --passphrase secret --pinentry-mode loopback --armor --export-secret-keys pgp_locked >"$out/keys/pgp_locked.asc"
  # Subkeys that had their time, and that were revoked, after something was encrypted for them.
  past='--faked-system-time 20250101T000000'
  $gpg $past --passphrase '' --quick-gen-key 'pgp_expired <pgp_expired@example.com>' ed25519 cert never
  $gpg $past --passphrase '' --quick-add-key "$(print pgp_expired)" cv25519 encr 1m
  $gpg --armor --export-secret-keys pgp_expired >"$out/keys/pgp_expired.asc"
  $gpg --passphrase '' --quick-gen-key 'pgp_revoked <pgp_revoked@example.com>' ed25519 cert never
  $gpg --passphrase '' --quick-add-key "$(print pgp_revoked)" cv25519 encr never
  $gpg --armor --export-secret-keys pgp_revoked >"$out/keys/pgp_revoked.before"
  printf 'key 1\nrevkey\ny\n0\n\ny\nsave\n' | gpg --quiet --command-fd 0 --no-tty --edit-key pgp_revoked 2>/dev/null
  $gpg --armor --export-secret-keys pgp_revoked >"$out/keys/pgp_revoked.asc"
  $gpg --yes --delete-secret-and-public-key "$(print pgp_revoked)"
  $gpg --import "$out/keys/pgp_revoked.before"
  rm "$out/keys/pgp_revoked.before"
else
  for name in primary locked expired; do $gpg --import "$out/keys/pgp_$name.asc"; done
fi
for key in "$out"/keys/pgp_*.asc; do
  case $key in
  *locked.asc) GNUPGHOME=$work/locked $gpg --import "$key" ;;
  *ecc.asc) GNUPGHOME=$work/one $gpg --import "$key" ;;&
  *) GNUPGHOME=$work/read $gpg --import "$key" ;;
  esac
done

# --- cases ----------------------------------------------------------------------------------------------------------------
printf 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: pgp\nstringData:\n  user: admin\n  password: "p4ss: word"\n' >"$work/plain.yaml"
printf '{"auths": {"registry.example": {"username": "u", "password": "p", "auth": "dTpw"}}}\n' >"$work/plain.json"
wanted=${only:-}

# finish CASE: asks the real sops what the encrypted file decrypts to.
finish() {
  local case=$out/cases/$1 home=$work/read file
  # A wrong key of ECC among those that are tried makes gpg fail, and a key with a passphrase ask for it.
  case $1 in
  *locked) home=$work/locked ;;
  pgp-message-key-id-hidden) home=$work/one ;;
  esac
  file=$(ls "$case" | grep '^encrypted')
  rm -f "$case/expected" "$case/expected_error"
  if ! GNUPGHOME=$home timeout 20 "$sops" decrypt "$case/$file" >"$case/expected" 2>"$work/error"; then
    rm "$case/expected"
    sed "s#$out/cases/##g;s#$work#~#g" "$work/error" >"$case/expected_error"
  fi
}

# skip CASE: says whether a case is there already, or is not among those that `only` asks for anew (a pattern).
skip() { if [[ -n $wanted ]]; then [[ $1 != $wanted ]]; else [ -d "$out/cases/$1" ]; fi; }

# encrypt CASE EXTENSION RECIPIENT [LINE-OF-gpg.conf...]
encrypt() {
  local case=$out/cases/$1 extension=$2 to=$3
  shift 3
  mkdir -p "$case"
  printf '%s\n' "$@" >"$GNUPGHOME/gpg.conf"
  "$sops" encrypt --pgp "$to" "$work/plain.$extension" >"$case/encrypted.$extension"
  : >"$GNUPGHOME/gpg.conf"
  finish "${case##*/}"
}

for name in rsa1024 rsa3072 rsa4096 p256 p384 p521 brainpool256 brainpool384 brainpool512 secp256k1 elgamal primary two card \
  bundled locked; do
  skip "pgp-key-$name" || encrypt "pgp-key-$name" yaml "$(print "pgp_$name")"
done
old=$(gpg --list-keys --with-colons pgp_two | awk -F: '/^sub/ {sub_ = 1} /^fpr/ && sub_ {print $10; exit}')
skip pgp-key-two-older || encrypt pgp-key-two-older yaml "$old!"
skip pgp-key-expired || encrypt pgp-key-expired yaml "$(print pgp_expired)" 'faked-system-time 20250102T000000'
# Only possible as long as the key is not revoked, which is when this script makes it.
[ -d "$out/cases/pgp-key-revoked" ] || encrypt pgp-key-revoked yaml "$(print pgp_revoked)"
ecc=$(print pgp_ecc) rsa=$(print pgp_rsa)
skip pgp-key-hidden || encrypt pgp-key-hidden yaml "$ecc,$rsa" throw-keyids
skip pgp-key-hidden-rsa || encrypt pgp-key-hidden-rsa yaml "$rsa" throw-keyids
skip pgp-key-hidden-locked || encrypt pgp-key-hidden-locked yaml "$(print pgp_locked)" throw-keyids
skip pgp-key-group || encrypt pgp-key-group yaml "$rsa" "group $rsa = $rsa $ecc" 'trust-model always'
for cipher in 3DES CAST5 IDEA BLOWFISH TWOFISH AES AES192 AES256 CAMELLIA128 CAMELLIA192 CAMELLIA256; do
  skip "pgp-cipher-$cipher" || encrypt "pgp-cipher-$cipher" json "$ecc" "cipher-algo $cipher"
done
for kind in none zip zlib bzip2; do
  skip "pgp-compress-$kind" || encrypt "pgp-compress-$kind" json "$rsa" "compress-algo $kind"
done
skip pgp-armor-by-gpg || encrypt pgp-armor-by-gpg json "$ecc" emit-version 'comment one: comment' 'comment another'
skip pgp-key-not-at-hand || {
  $gpg --passphrase '' --quick-gen-key 'lost <lost@example.com>' rsa2048 cert never
  $gpg --passphrase '' --quick-add-key "$(print lost)" rsa2048 encr never
  encrypt pgp-key-not-at-hand json "$(print lost)"
}

# with CASE FROM-CASE: puts the message of standard input into a file that sops encrypted.
with() {
  mkdir -p "$out/cases/$1"
  cat >"$work/message"
  jq --rawfile enc "$work/message" '.sops.pgp[0].enc = $enc' "$out/cases/$2/encrypted.json" >"$out/cases/$1/encrypted.json"
  finish "$1"
}
message() { jq -r '.sops.pgp[0].enc' "$out/cases/$1/encrypted.json"; }
opened() { message "$1" | $gpg --decrypt 2>/dev/null; }
wrap() { $gpg --trust-model always --armor --encrypt --recipient "$ecc" "$@" 2>/dev/null; }

encrypted=pgp-cipher-AES256
opened $encrypted >"$work/key"
for cipher in AES128 AES192 AES256; do
  rnp --encrypt --aead=ocb --cipher "$cipher" --keyfile "$out/keys/pgp_ecc.asc" -r pgp_ecc --armor --overwrite \
    --output "$work/ocb" "$work/key" 2>/dev/null
  skip "pgp-authenticated-$cipher" || with "pgp-authenticated-$cipher" $encrypted <"$work/ocb"
done
skip pgp-authenticated-tampered || {
  "$work/change" message data <"$work/ocb" | with pgp-authenticated-tampered $encrypted
  "$work/change" message checksum <"$work/ocb" | with pgp-authenticated-tampered-tag $encrypted
  "$work/change" message cut-short <"$work/ocb" | with pgp-authenticated-cut $encrypted
}
skip pgp-signed || {
  $gpg --passphrase '' --quick-gen-key 'signer <signer@example.com>' ed25519 sign never
  wrap --sign --local-user signer <"$work/key" | with pgp-signed $encrypted
}
skip pgp-textmode || wrap --textmode <"$work/key" | with pgp-textmode $encrypted
skip pgp-encrypted-twice || wrap --no-literal < <(wrap <"$work/key" | gpg --dearmor) | with pgp-encrypted-twice $encrypted
skip pgp-with-passphrase || {
  $gpg --pinentry-mode loopback --passphrase secret --trust-model always --armor --symmetric --encrypt --recipient "$ecc" \
    <"$work/key" | with pgp-with-passphrase $encrypted
  $gpg --pinentry-mode loopback --passphrase secret --armor --symmetric <"$work/key" | with pgp-only-passphrase $encrypted
}
for form in binary text utf8 local unknown-mode named two-literals literal-and-marker marker-and-literal literal-and-unknown \
  literal-and-garbage nothing bare cut long short none-inside stored zip unknown-compression compressed-and-literal \
  compressed-cut nested-2 nested-6 nested-60 bomb; do
  skip "pgp-inner-$form" || "$work/change" inner $form <"$work/key" | wrap --no-literal --compress-algo none |
    with "pgp-inner-$form" $encrypted
done
for change in session-key key-id key-id-hidden algorithm key-version no-recipient recipient-twice recipient-unknown-first \
  recipient-broken-first recipient-after data data-prefix checksum version unprotected cut cut-short cut-checksum empty tail \
  tail-literal lead-literal lead-marker lead-unknown twice only-literal partial; do
  skip "pgp-message-$change" || message $encrypted | "$work/change" message $change | with "pgp-message-$change" $encrypted
done
for change in session-key key-id data checksum recipient-broken-first; do
  skip "pgp-message-rsa-$change" || message pgp-compress-zlib | "$work/change" message $change |
    with "pgp-message-rsa-$change" pgp-compress-zlib
done
for change in headers header-without-value header-without-colon no-empty-line sum-wrong sum-none sum-short no-end \
  no-sum-no-end other-end other-kind unknown-kind public-kind around indented windows spaces one-line short-lines \
  empty-line-inside other-characters sum-on-last-line text-after-sum padding-inside changed twice nothing no-armor; do
  skip "pgp-armor-$change" || message $encrypted | "$work/change" armor $change | with "pgp-armor-$change" $encrypted
done
echo "$(ls -d "$out"/cases/pgp-* | wc -l) cases, $(ls "$out"/cases/pgp-*/expected | wc -l) decrypt"
