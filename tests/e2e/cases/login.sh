# shellcheck shell=bash disable=SC2154
# docker login and logout, which know of one account per registry, add to several and take away one.

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

# A registry that gives an identity token makes docker store it for the user `<token>`.
new_home credHelpers alice bob
goes_as tina -- login tina "$docker" login "$registry"
store alice "$registry"
says '^alice$' -- user_at "$registry"
says '^<token>$' -- user_of tina "$registry"
goes_as tina -- "$docker" push "$registry/tina/app:1"
goes_as alice -- "$docker" push "$registry/alice/app:1"
