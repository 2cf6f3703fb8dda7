#!/usr/bin/env bash
# Makes libs/keyservice/tests/sops: files that the real sops encrypted with keys of Vault and the clouds, as stand-ins serve
# them, and what it decrypts them to.
#
#   sops=/path/to/sops stand_ins=/path/to/examples/stand_ins moto_python=/path/to/venv/bin/python ./generate.sh
#
# Needs sops 3.13, openssl, jq, and the Python of the cache's moto (made by `cargo test -p fjord-keyservice`). The stand-ins'
# keys follow from their names, so that the files decrypt tomorrow.
set -euo pipefail

here=$(cd "$(dirname "$0")/../../.." && pwd)
out=$here/libs/keyservice/tests/sops
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$work"' EXIT
export HOME=$work SOPS_DISABLE_VERSION_CHECK=1
rm -rf "$out"
mkdir -p "$out"

vault=18200 gcp=18201 azure=18202 moto=18203 proxy=18204
"$stand_ins" $vault $gcp $azure >"$work/stand-ins" &
"$moto_python" "$here/libs/keyservice/tests/stand_in/aws_kms.py" $moto >"$work/moto" 2>/dev/null &
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=team.vault.azure.net -addext subjectAltName=DNS:team.vault.azure.net \
  -keyout "$work/tls.key" -out "$work/tls.crt" 2>/dev/null
python3 "$here/tests/oracle/keyservice/vault_azure.py" $proxy $azure "$work/tls.crt" "$work/tls.key" 2>/dev/null &
for port in $vault $gcp $azure $moto $proxy; do
  for _ in $(seq 100); do (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.2; done
done

export VAULT_TOKEN=hvs.planted-vault-token
export GOOGLE_OAUTH_ACCESS_TOKEN=ya29.planted-google-token SOPS_GCP_KMS_ENDPOINT=http://127.0.0.1:$gcp SOPS_GCP_KMS_CLIENT_TYPE=rest
AWS_ACCESS_KEY_ID=$(jq -r .sops.id "$work/moto") AWS_SECRET_ACCESS_KEY=$(jq -r .sops.secret "$work/moto")
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_ENDPOINT_URL=http://127.0.0.1:$moto
export IDENTITY_ENDPOINT=http://127.0.0.1:$azure/identity IDENTITY_HEADER=throw-away AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential
export HTTPS_PROXY=http://127.0.0.1:$proxy NO_PROXY=127.0.0.1 SSL_CERT_FILE=$work/tls.crt

cd "$work"
printf 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: database\nstringData:\n  user: admin # who\n  password: "p4ss: word"\n' >plain.yaml
printf '{"password": "p4ss", "port": 5432}\n' >plain.json
printf 'USER=admin\nPASSWORD=p4ss\n' >plain.env
printf '[database]\nuser = admin\npassword = p4ss\n' >plain.ini
printf 'a binary file\n' >plain.bin
declare -A type=([yaml]=yaml [json]=json [env]=dotenv [ini]=ini [bin]=binary)
arn=arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555
alias=arn:aws:kms:eu-west-1:123456789012:alias/throw-away
role=arn:aws:iam::123456789012:role/sops
resource=projects/p/locations/global/keyRings/r/cryptoKeys/k

# make CASE KIND FLAG...
make() {
  local case=$out/$1 kind=$2
  shift 2
  mkdir "$case"
  local format=(--input-type "${type[$kind]}" --output-type "${type[$kind]}")
  "$sops" encrypt "${format[@]}" "$@" "plain.$kind" >"$case/encrypted.$kind"
  "$sops" decrypt "${format[@]}" "$case/encrypted.$kind" >"$case/expected"
}
for kind in yaml json env ini bin; do
  make "vault-$kind" $kind --hc-vault-transit http://127.0.0.1:$vault/v1/transit/keys/sops
  make "aws-$kind" $kind --kms $arn
  make "gcp-$kind" $kind --gcp-kms $resource
  make "azure-$kind" $kind --azure-kv https://team.vault.azure.net/keys/sops/0123456789abcdef
done
make vault-nested-engine yaml --hc-vault-transit http://127.0.0.1:$vault/v1/team/transit/keys/sops
make aws-alias yaml --kms $alias
make aws-context yaml --kms $arn --encryption-context 'app:web,team:a b'
make aws-role yaml --kms $arn+$role
make aws-role-context json --kms $arn+$role --encryption-context 'app:web'
make all-in-one-group yaml --hc-vault-transit http://127.0.0.1:$vault/v1/transit/keys/sops --kms $arn --gcp-kms $resource \
  --azure-kv https://team.vault.azure.net/keys/sops/0123456789abcdef
for kind in yaml json env ini bin; do
  cat >.sops.yaml <<X
creation_rules:
- shamir_threshold: 3
  key_groups:
  - hc_vault: [http://127.0.0.1:$vault/v1/transit/keys/sops]
  - kms: [{arn: $arn, context: {app: web}}]
  - gcp_kms: [{resource_id: $resource}]
  - azure_keyvault: [{vaultUrl: https://team.vault.azure.net, key: sops, version: 0123456789abcdef}]
X
  make "shamir-3-of-4-$kind" $kind
  rm .sops.yaml
done
echo "$(ls "$out" | wc -l) cases"
