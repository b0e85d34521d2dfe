# shellcheck shell=bash disable=SC2016,SC2154
# Docker Compose has no image on its command line, so its project file decides. Variables of its environment may be in
# the image's name.

needs "$tools/docker-compose" "Docker Compose"
needs_ensign
new_home credHelpers alice bob

echo 'services: {web: {build: ., image: "${IMAGE}"}}' >compose.yaml
for me in alice bob; do
  store $me "$registry"
  goes_as $me -- env IMAGE="$registry/$me/app:1" docker compose push
  goes_as $me -- env IMAGE="$registry/$me/base:1" docker compose pull
done
