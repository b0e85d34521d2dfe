# shellcheck shell=bash disable=SC2154
# Podman and Buildah, which read both Docker's config.json and their own registries.conf.

for kind in credHelpers registries.conf; do
  for me in alice bob; do
    other=bob
    [ $me = alice ] || other=alice
    new_home $kind $me $other
    goes_as $me -- podman push "$registry/$me/app:1"
    goes_as $me -- podman push "docker.io/$me/app:1"
    goes_as $me -- podman push localhost/base:1 "docker://$registry/$me/app:4"
    goes_as $me -- podman pull -q "$registry/$me/base:1"
    goes_as $me -- podman manifest inspect "$registry/$me/base:1"
    list=list:$me-$kind
    goes_as $me -- podman manifest create "$list" "docker://$registry/$me/base:1"
    goes_as $me -- podman manifest push "$list" "docker://$registry/$me/list:2"
    goes_as $me -- buildah push "$registry/$me/app:1"
    goes_as $me -- buildah pull -q --policy always "$registry/$me/base:1"
  done
done

needs_ensign
new_home registries.conf
goes_as alice -- login alice podman login "$registry"
goes_as bob -- login bob podman login "$registry"
goes_as alice -- podman push "$registry/alice/app:1"
goes_as bob -- podman push "$registry/bob/app:1"
works -- podman logout "$registry"
not_found "$registry"
refused -- podman push "$registry/bob/app:1"
goes_as alice -- podman push "$registry/alice/app:1"
