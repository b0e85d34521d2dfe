# shellcheck shell=bash disable=SC2154
# TLS as in other clients: Ensign uses the same folder of certificates as they do.

needs_ensign

new_home credHelpers alice
unset SSL_CERT_FILE # skopeo would trust this file too
folder=$HOME/.config/containers/certs.d
image=alice/base:1

# Starts a registry at a PORT of ghcr.io with the same images and these TLS settings.
also_at() { # PORT TLS-SETTINGS
  cat >"$state/registry-$1.yml" <<YML
version: 0.1
log: {level: warn}
auth: $(tokens_from https://ghcr.io:5002/token)
storage: {filesystem: {rootdirectory: $state/storage}}
http: {addr: 'ghcr.io:$1', secret: e2e, tls: {$2}}
YML
  start "at-$1" docker-registry serve "$state/registry-$1.yml"
  until_works "at-$1" bash -c ": <>/dev/tcp/ghcr.io/$1"
  store alice "ghcr.io:$1"
  jq --arg host "ghcr.io:$1" --arg name "$name" '.credHelpers[$host] = $name' "$HOME/.docker/config.json" >config.json
  mv config.json "$HOME/.docker/config.json"
}

# Writes a self-signed certificate NAME.pem and its key NAME.key.
self_signed() { # NAME
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -addext "subjectAltName=DNS:$1" \
    -keyout "$1.key" -out "$1.pem" 2>>"$state/log/openssl"
}

fails 1 'UnknownIssuer' -- "$helper" check "ghcr.io/$image"
refused -- skopeo inspect "docker://ghcr.io/$image"
mkdir -p "$folder/ghcr.io"
cp "$state/certs/bundle.pem" "$folder/ghcr.io/ca.crt"
says 'alice, which may pull' -- "$helper" check "ghcr.io/$image"
goes_as alice -- skopeo inspect "docker://ghcr.io/$image"
works -- "$helper" token "ghcr.io/$image"
says '^"name": "alice/base"|"1"' -- "$helper" api ghcr.io alice/base/tags/list
goes_as alice -- login alice "$helper" login ghcr.io

# Two client certificates, of which the registry accepts one.
self_signed our-clients
self_signed others
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=machine -keyout machine.key -out machine.csr 2>>"$state/log/openssl"
openssl x509 -req -in machine.csr -CA our-clients.pem -CAkey our-clients.key -CAcreateserial -out machine.pem 2>>"$state/log/openssl"
also_at 5443 "certificate: $state/certs/tls.pem, key: $state/certs/tls.key, clientcas: [$PWD/our-clients.pem]"
mkdir -p "$folder/ghcr.io:5443"
cp "$state/certs/bundle.pem" "$folder/ghcr.io:5443/ca.crt"
fails 1 'client certificate' -- "$helper" check "ghcr.io:5443/$image"
refused -- skopeo inspect "docker://ghcr.io:5443/$image"
cp others.pem "$folder/ghcr.io:5443/a.cert"
cp others.key "$folder/ghcr.io:5443/a.key"
fails 1 'client certificate' -- "$helper" check "ghcr.io:5443/$image"
cp machine.pem "$folder/ghcr.io:5443/b.cert"
cp machine.key "$folder/ghcr.io:5443/b.key"
says 'alice, which may pull' -- "$helper" check "ghcr.io:5443/$image"
goes_as alice -- skopeo inspect "docker://ghcr.io:5443/$image"

# A self-signed certificate is trusted as in Docker's guide, and any certificate of a registry in insecure-registries.
self_signed ghcr.io
also_at 5444 "certificate: $PWD/ghcr.io.pem, key: $PWD/ghcr.io.key"
fails 1 'not trusted' -- "$helper" check "ghcr.io:5444/$image"
mkdir -p "$folder/ghcr.io:5444"
cat ghcr.io.pem "$state/certs/bundle.pem" >"$folder/ghcr.io:5444/ca.crt" # bundle.pem is for the token server
says 'alice, which may pull' -- "$helper" check "ghcr.io:5444/$image"
goes_as alice -- skopeo inspect "docker://ghcr.io:5444/$image"
rm -r "$folder"
says 'alice, which may pull' -- "$helper" check --plain-http "ghcr.io:5444/$image"
echo '{"insecure-registries": ["ghcr.io:5444"]}' >"$HOME/.docker/daemon.json"
says 'alice, which may pull' -- "$helper" check "ghcr.io:5444/$image"
goes_as alice -- login alice "$helper" login ghcr.io:5444
goes_as alice -- skopeo inspect --tls-verify=false "docker://ghcr.io:5444/$image"
