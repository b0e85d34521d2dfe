# shellcheck shell=bash disable=SC2154
# skopeo, with several images on one command line, and with Docker Hub's other name.

for me in alice bob; do
  other=bob
  [ $me = alice ] || other=alice
  new_home credHelpers $me $other
  goes_as $me -- skopeo copy "docker-archive:$state/base.tar" "docker://$registry/$me/app:2"
  goes_as $me -- skopeo copy "docker-archive:$state/base.tar" "docker://$basic/$me/app:2"
  goes_as $me -- skopeo copy "docker://$registry/public/base:1" "docker://$registry/$me/app:3"
  goes_as $me -- skopeo list-tags "docker://$registry/$me/base"
  goes_as $me -- skopeo inspect "docker://ghcr.io/$me/base:1"
  goes_as $me -- skopeo inspect "docker://$me/base:1"
done
works -- skopeo inspect "docker://$registry/public/base:1"
refused -- skopeo inspect "docker://$registry/carol/base:1"

new_home registries.conf alice bob
goes_as alice -- skopeo inspect "docker://$registry/alice/base:1"
goes_as bob -- skopeo inspect "docker://$registry/bob/base:1"
