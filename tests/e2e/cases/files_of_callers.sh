# shellcheck shell=bash disable=SC2016,SC2154
# Images that only files name: the files choose the account, whatever the default is.

needs_ensign
new_home credHelpers alice bob

for me in alice bob; do
  other=bob
  [ $me = alice ] || other=alice
  store $other "$registry" # makes the other account the default

  mkdir -p "$HOME/$me/image" && cd "$HOME/$me" || exit
  printf 'REGISTRY=%s/%s\n' "$registry" $me >.env
  echo 'services: {app: {image: "${REGISTRY}/app:1", build: image}, base: {image: "${REGISTRY}/base:1"}}' >compose.yaml
  printf 'ARG BASE\nFROM ${BASE:-%s/%s/base:1}\n' "$registry" $me >image/Dockerfile
  # An image of the other account does not matter if the command does not use its service.
  echo "services: {theirs: {image: $registry/$other/app:1, profiles: [never]}}" >compose.override.yaml

  if [ -x "$tools/docker-compose" ]; then
    goes_as $me -- docker compose push app
    goes_as $me -- docker compose pull base
  fi
  goes_as $me -- podman build --pull=always image
  goes_as $me -- buildah bud --pull-always image
  # The tag of a local build does not matter, because nobody pushes it.
  goes_as $me -- podman build --pull=always -t "$registry/$other/built" image
  goes_as $me -- buildah bud --pull-always -t "$registry/$other/built" image
  goes_as $me -- env DOCKER_BUILDKIT=0 docker build -q --pull -t "$registry/$other/built" image
  if command -v podman-compose >/dev/null; then
    goes_as $me -- podman-compose -f compose.yaml pull # Debian's podman-compose accepts no service names
  fi
  printf '%s: {images: {%s/base: ["1"]}, tls-verify: false}\n' "$registry" $me >sync.yaml
  goes_as $me -- skopeo sync --src yaml --dest dir sync.yaml "$HOME/$me"
done
