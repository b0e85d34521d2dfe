# shellcheck shell=bash disable=SC2016,SC2154
# Docker Compose names no image on its command line, so its project file decides. The image's name may contain variables
# of Compose's environment.

needs "$tools/docker-compose" "Docker Compose"
needs_ensign
new_home credHelpers alice bob

echo 'services: {web: {build: ., image: "${IMAGE}"}}' >compose.yaml
for me in alice bob; do
  store $me "$registry"
  goes_as $me -- env IMAGE="$registry/$me/app:1" docker compose push
  goes_as $me -- env IMAGE="$registry/$me/base:1" docker compose pull
done

# Compose gives buildx the names of the images on stdin.
buildx=$tools/moby/usr/libexec/docker/cli-plugins/docker-buildx
[ -x "$buildx" ] || skip_rest "no buildx of today is installed"
ln -s "$buildx" "$HOME/.docker/cli-plugins/"
for me in alice bob; do
  other=bob
  [ $me = alice ] || other=alice
  echo "FROM $registry/$me/base:1" >Dockerfile
  goes_as $me -- env IMAGE="$registry/$other/app:1" docker compose build --pull
done
