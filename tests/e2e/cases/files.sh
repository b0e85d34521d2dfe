# shellcheck shell=bash disable=SC2154
# Logins in files: imports the files that real clients wrote, and exports files that they read.

needs_ensign

new_home nothing
auth_json=$XDG_RUNTIME_DIR/containers/auth.json
works -- login alice podman login "$registry"
works -- login bob skopeo login "$basic"
works -- login bob podman login "$registry/bob" # a login for one namespace of the registry
docker_config '{"auths":{"x.example":{}}}'       # without it docker would look for its default helper
works -- login alice docker login docker.io
works -- "$helper" import --dry-run
not_found "$registry"
works -- "$helper" import
says '^alice$' -- user_at "$registry"
says '^bob$' -- user_at "$registry/bob/app"
says '^bob$' -- user_at "$basic"
says '^alice$' -- user_at "$hub"
works -- "$helper" import --remove
refused -- grep -q '"auth":' "$auth_json" "$HOME/.docker/config.json"
works -- "$helper" configure-docker
goes_as alice -- docker push "$registry/alice/app:1"
goes_as bob -- docker push "$registry/bob/app:1"
goes_as bob -- docker push "$basic/bob/app:1"
goes_as alice -- docker push alice/app:1

new_home nothing bob alice
file=$HOME/exported.json
works -- "$helper" export --all --format auth.json --output "$file"
for me in alice bob; do
  goes_as $me -- podman push --authfile "$file" "$registry/$me/app:1"
  goes_as $me -- skopeo inspect --authfile "$file" "docker://$registry/$me/base:1"
  goes_as $me -- skopeo inspect --authfile "$file" "docker://$me/base:1"
  goes_as $me -- buildah push --authfile "$file" "ghcr.io/$me/app:1"
  mkdir "$HOME/$me"
  works -- env ENSIGN_ACCOUNT=$me "$helper" export "$registry" docker.io \
    --format dockerconfigjson --output "$HOME/$me/config.json"
  goes_as $me -- env DOCKER_CONFIG="$HOME/$me" docker push "$registry/$me/app:1"
  goes_as $me -- env DOCKER_CONFIG="$HOME/$me" docker push "$me/app:1"
  rm "$HOME/$me/config.json"
done
old=$HOME
new_home nothing
works -- "$helper" import "$old/exported.json"
for me in alice bob; do
  says "^$me\$" -- user_at "$registry/$me/app"
  says "^$me\$" -- user_at "ghcr.io/$me/app"
done
rm "$old/exported.json"

needs docker-credential-pass "docker-credential-pass and gpg to keep something for docker"
needs gpg
new_home nothing
docker_config '{"credsStore":"pass"}'
works -- gpg --batch --quiet --passphrase '' --quick-gen-key e2e@example.com
works -- pass init e2e@example.com
works -- login alice docker login "$registry"
works -- login bob docker login docker.io
works -- "$helper" import docker --remove
says '^alice$' -- user_at "$registry"
says '^bob$' -- user_at "$hub"
says '^\{\}$' -- docker-credential-pass list
works -- "$helper" configure-docker
goes_as alice -- docker push "$registry/alice/app:1"
goes_as bob -- docker push bob/app:1
gpgconf --kill all
