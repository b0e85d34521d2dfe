# shellcheck shell=bash disable=SC2154
# `docker login` and `docker logout` support one account per registry, but here they add and remove one of several.

docker=$(command -v docker)
for kind in credHelpers credsStore; do
  new_home $kind
  goes_as alice -- login alice "$docker" login "$registry"
  goes_as bob -- login bob "$docker" login "$registry"
  goes_as bob -- login bob "$docker" login
  goes_as alice -- login alice "$docker" login
  for me in alice bob; do
    goes_as $me -- "$docker" push "$registry/$me/app:1"
    goes_as $me -- "$docker" push "$me/app:1"
  done
  refused -- wrong_login bob "$docker" login "$registry"
  goes_as bob -- "$docker" push "$registry/bob/app:1"
done

needs_ensign
for kind in credHelpers credsStore; do
  new_home $kind bob alice
  works -- "$docker" logout "$registry"
  not_found "$registry"
  refused -- "$docker" push "$registry/alice/app:1"
  goes_as bob -- "$docker" push "$registry/bob/app:1"
  goes_as alice -- "$docker" push "ghcr.io/alice/app:1"
  works -- "$docker" logout # Docker Hub
  not_found "$hub"
  goes_as bob -- "$docker" push "bob/app:1"
  goes_as alice -- login alice "$docker" login "$registry"
  goes_as alice -- "$docker" push "$registry/alice/app:1"
done

# If a registry returns an identity token, docker stores it under the user name `<token>`.
new_home credHelpers alice bob
goes_as tina -- login tina "$docker" login "$registry"
store alice "$registry"
says '^alice$' -- user_at "$registry"
says '^<token>$' -- user_of tina "$registry"
goes_as tina -- "$docker" push "$registry/tina/app:1"
goes_as alice -- "$docker" push "$registry/alice/app:1"
