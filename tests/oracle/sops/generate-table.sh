#!/usr/bin/env bash
# Fills the table of formats, kinds of keys and options: libs/sops/tests/sops/table.tsv, and a case for each of its cells.
#
#   sops=/path/to/sops ./generate-table.sh
#
# It uses the keys that generate.sh made. Cases that are there already are kept; a cell that the real sops cannot make holds what
# it said.
set -euo pipefail

here=$(cd "$(dirname "$0")/../../.." && pwd)
out=$here/libs/sops/tests/sops
sops=$(command -v "${sops:-sops}")
work=$(mktemp -d /tmp/table.XXXX)
trap 'gpgconf --kill all 2>/dev/null || :; rm -rf "$work"' EXIT
export HOME=$work GNUPGHOME=$work/gnupg SOPS_DISABLE_VERSION_CHECK=1
mkdir -m 700 "$GNUPGHOME" "$work/.ssh"
gpg --batch --quiet --import "$out"/keys/pgp_{rsa,ecc}.asc 2>/dev/null
install -m 600 "$out/keys/ssh_ed25519" "$work/.ssh/id_ed25519"
install -m 600 "$out/keys/ssh_rsa" "$work/.ssh/id_rsa"
cat "$out"/keys/{first,second,third}.age >"$work/identities"
export SOPS_AGE_KEY_FILE=$work/identities

age_of() { age-keygen -y "$out/keys/$1.age"; }
public() { ssh-keygen -y -f "$work/.ssh/id_$1"; }
print() { gpg --list-keys --with-colons "$1" | awk -F: '/^fpr/ {print $10; exit}'; }
declare -A member=(
  [age]="age: ['$(age_of first)']"
  [ssh-ed25519]="age: ['$(public ed25519)']"
  [ssh-rsa]="age: ['$(public rsa)']"
  [pgp-rsa]="pgp: ['$(print pgp_rsa)']"
  [pgp-ecc]="pgp: ['$(print pgp_ecc)']"
  [several]="age: ['$(age_of first)', '$(public ed25519)'], pgp: ['$(print pgp_ecc)']"
)
lost=$(age-keygen 2>/dev/null | age-keygen -y)
third="age: ['$(age_of third)']"

# groups KIND OPTION: the key groups, one a line.
groups() {
  case $1/$2 in
  groups/shamir) printf '%s\n' "${member[age]}" "${member[pgp-ecc]}" "age: ['$lost']" ;;
  groups/multi-key) printf '%s\n' "age: ['$lost', '$(age_of first)']" "${member[pgp-rsa]}, $third" ;;
  groups/*) printf '%s\n' "${member[age]}" "${member[pgp-ecc]}" ;;
  */shamir) printf '%s\n' "${member[$1]}" "$third" "age: ['$lost']" ;;
  pgp-*/multi-key) printf '%s\n' "age: ['$lost'], ${member[$1]}" ;;
  */multi-key) printf '%s\n' "${member[$1]/age: [/age: [\'$lost\', }" ;;
  *) printf '%s\n' "${member[$1]}" ;;
  esac
}

# --- what is encrypted ----------------------------------------------------------------------------------------------------
mkdir "$work/plain" "$work/commented" "$work/multi-document"
cd "$work"
printf 'kind: Secret\nmetadata: {name: table}\nstringData:\n  user: admin\n  password: "p4ss: word"\n  port: 5432\n' >plain/file.yaml
printf '{"user": "admin", "password": "p4ss \\"word\\"", "ports": [1, 2.5], "on": true, "none": null}\n' >plain/file.json
printf 'USER=admin\nPASSWORD=p4ss=word\nEMPTY=\n' >plain/file.env
printf 'top = level\n\n[database]\nuser = admin\npassword = p4ss\n' >plain/file.ini
printf 'a binary file\n\0of two lines\n' >plain/file.bin
printf '# above\nkind: Secret # behind\nstringData:\n  # of the user\n  user: admin\n  # below\n' >commented/file.yaml
printf '// above\n{"user": "admin"}\n' >commented/file.json
printf '# above\nUSER=admin\n\n# of the password\nPASSWORD=p4ss\n' >commented/file.env
printf '; above\n[database]\n; of the user\nuser = admin\n# of the password\npassword = p4ss\n' >commented/file.ini
printf '# above\nuser: admin\n' >commented/file.bin
printf 'a: one\n---\nb: two\nc: [three]\n' >multi-document/file.yaml
printf '{"a": "one"}\n---\n{"b": "two"}\n' >multi-document/file.json
printf 'A=one\n---\nB=two\n' >multi-document/file.env
printf '[a]\nk = one\n---\n[b]\nk = two\n' >multi-document/file.ini
printf 'a: one\n---\nb: two\n' >multi-document/file.bin

# --- the table ------------------------------------------------------------------------------------------------------------
declare -A type=([yaml]=yaml [json]=json [env]=dotenv [ini]=ini [bin]=binary)
run() { "$sops" "$1" --input-type "${type[$extension]}" --output-type "${type[$extension]}" "${@:2}"; }

# cell EXTENSION KIND OPTION
cell() {
  local extension=$1 kind=$2 option=$3 plain=plain
  local name=table-$1-$2-$3
  local case=$out/cases/$name
  local file=$case/encrypted.$extension
  case $option in commented | multi-document) plain=$option ;; esac
  if [ ! -f "$case/expected" ]; then
    mkdir -p "$case"
    {
      echo 'creation_rules:'
      if [ "$option" = shamir ]; then echo '- shamir_threshold: 2'; else echo '- shamir_threshold: 0'; fi
      echo '  key_groups:'
      groups "$kind" "$option" | sed 's/^/  - {/;s/$/}/'
    } >"$work/.sops.yaml"
    if ! SOPS_CONFIG=$work/.sops.yaml run encrypt "$plain/file.$extension" >"$file" 2>"$work/error"; then
      rm -r "$case"
      printf '%s\t%s\t%s\t-\t%s\n' "${type[$extension]}" "$kind" "$option" \
        "$(tr '\n\t' '  ' <"$work/error" | sed "s#$work#~#g;s/  *$//")"
      return
    fi
    if [ "$option" = rotated ]; then
      cp "$file" "$work/before"
      run rotate --in-place "$file"
      ! cmp -s "$file" "$work/before"
    fi
    run decrypt "$file" >"$work/expected"
    mv "$work/expected" "$case/expected"
  fi
  printf '%s\t%s\t%s\t%s\n' "${type[$extension]}" "$kind" "$option" "$name"
}
for extension in yaml json env ini bin; do
  for kind in age ssh-ed25519 ssh-rsa pgp-rsa pgp-ecc several groups; do
    for option in plain shamir rotated commented multi-document multi-key; do
      cell $extension $kind $option
    done
  done
done >"$work/table"
mv "$work/table" "$out/table.tsv"
echo "$(wc -l <"$out/table.tsv") cells, $(cut -f 4 "$out/table.tsv" | grep -cx -- -) of them refused by sops"
