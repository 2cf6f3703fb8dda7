#!/usr/bin/env bash
# Makes libs/sops/tests/age: files that the real sops encrypted for age's less usual keys, and what it decrypts them to.
#
#   sops=/path/to/sops ./generate-age.sh
#
# Needs sops 3.13 and age 1.3 with age-plugin-batchpass: post-quantum keys (`hybrid.key`), a file of identities behind a
# passphrase (`locked.key`), SSH keys behind one (`ssh_ed25519_locked`, `ssh_rsa_locked`). The passphrase is `throw-away`.
# Identities that age itself would ask a passphrase for are given in clear where sops has no terminal to ask on.
set -euo pipefail

here=$(cd "$(dirname "$0")/../../.." && pwd)
out=$here/libs/sops/tests/age
sops=$(command -v "${sops:-sops}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work SOPS_DISABLE_VERSION_CHECK=1
rm -rf "$out"
mkdir -p "$out"
cd "$work"

age-keygen -pq -o "$out/hybrid.key" 2>/dev/null
age-keygen -pq -o "$out/hybrid-other.key" 2>/dev/null
age-keygen -o classic.key 2>/dev/null
age-keygen -pq 2>/dev/null >>classic.key
export AGE_PASSPHRASE=throw-away
age -e -j batchpass -o "$out/locked.key" classic.key
age -e -a -j batchpass -o "$out/locked-armored.key" classic.key
for type in ed25519 rsa; do
  ssh-keygen -q -t $type -N throw-away -C '' -f "$out/ssh_${type}_locked"
  cp "$out/ssh_${type}_locked" "$type.clear"
  ssh-keygen -p -P throw-away -N '' -f "$type.clear" >/dev/null
done
hybrid=$(age-keygen -y "$out/hybrid.key")
mapfile -t classic < <(age-keygen -y classic.key)
cat "$out/hybrid.key" classic.key >identities
export SOPS_AGE_KEY_FILE=$work/identities

printf 'apiVersion: v1\nkind: Secret\nmetadata: {name: database}\nstringData:\n  password: "p4ss: word" # why\n' >plain.yaml
printf '{"password": "p4ss", "port": 5432}\n' >plain.json
printf '# why\nPASSWORD=p4ss\n' >plain.env
printf '[database]\npassword = p4ss\n' >plain.ini
printf 'a binary file\n' >plain.bin
declare -A type=([yaml]=yaml [json]=json [env]=dotenv [ini]=ini [bin]=binary)

# make CASE KIND RECIPIENTS: encrypts, and asks the real sops what it decrypts to.
make() {
  local case=$out/$1 kind=$2
  local format=(--input-type "${type[$kind]}" --output-type "${type[$kind]}")
  mkdir "$case"
  "$sops" encrypt "${format[@]}" --age "$3" "plain.$kind" >"$case/encrypted.$kind"
  "$sops" decrypt "${format[@]}" "$case/encrypted.$kind" >"$case/expected"
}
for kind in yaml json env ini bin; do
  make "hybrid-$kind" $kind "$hybrid"
  make "hybrid-and-classic-$kind" $kind "$(age-keygen -y "$out/hybrid-other.key"),${classic[0]},$hybrid"
  make "locked-classic-$kind" $kind "${classic[0]}"
  make "locked-hybrid-$kind" $kind "${classic[1]}"
  for ssh in ed25519 rsa; do
    SOPS_AGE_SSH_PRIVATE_KEY_FILE=$ssh.clear make "locked-ssh-$ssh-$kind" $kind "$(<"$out/ssh_${ssh}_locked.pub")"
  done
done
rm "$out"/*.pub
# Without a terminal the real sops refuses what needs a passphrase, and so do we.
SOPS_AGE_KEY_FILE=$out/locked.key setsid -w "$sops" decrypt "$out/locked-classic-yaml/encrypted.yaml" </dev/null \
  >/dev/null 2>"$out/no-terminal" && exit 1
sed -i "s#$out/##g;s#$work#~#g" "$out/no-terminal"
echo "$(ls -d "$out"/*/ | wc -l) cases"
