# shellcheck shell=bash disable=SC2154
# The commands for people.

needs_ensign

new_home nothing
for host in "$registry" "$basic" ghcr.io docker.io; do
  refused -- wrong_login alice "$helper" login "$host"
  not_found "$host"
  for me in bob alice; do
    works -- login $me "$helper" login "$host" --activate
  done
  says '^alice$' -- user_at "$host"
done
works -- wrong_login carol "$helper" login "$basic" --no-verify --activate
says '^carol$' -- user_at "$basic"
works -- "$helper" logout "$basic" -u carol
works -- login alice "$helper" login "$basic"

works -- "$helper" configure-docker --dry-run
refused -- test -e "$HOME/.docker/config.json"
works -- "$helper" configure-docker
for me in alice bob; do
  goes_as $me -- docker push "$registry/$me/app:1"
  goes_as $me -- docker push "$basic/$me/app:1"
  goes_as $me -- docker push "ghcr.io/$me/app:1"
  goes_as $me -- docker push "$me/app:1"
  says "(^|[^/a-z])$me" -- "$helper" which "$registry/$me/app:1" --as "docker push $registry/$me/app:1"
done

for host in "$registry" "$basic" ghcr.io docker.io; do
  for me in alice bob; do
    says "accepts the account $me, which may" -- "$helper" check "$host/$me/app:1"
    says "accepts the account $me, which may push" -- "$helper" check "$host/$me/app:1" --push
  done
done
for host in "$registry" ghcr.io docker.io; do
  refused -- "$helper" check "$host/tina/app:1"
  refused -- "$helper" check "$host/public/app:1" --push
  refused -- "$helper" token "$host/public/app:1" --push
done
works -- sh -c "curl -fsS -H \"Authorization: Bearer \$($helper token $registry/bob/app:1)\" http://$registry/v2/bob/app/tags/list"
refused -- sh -c "curl -fsS -H \"Authorization: Bearer \$($helper token $registry/bob/app:1)\" http://$registry/v2/alice/app/tags/list"
refused -- "$helper" token "$basic/alice/app:1"

says "$registry" -- "$helper" status
says bob -- "$helper" status "$registry"
works -- sh -c "$helper status --json | jq -e ."
works -- "$helper" switch "$registry"
says '^bob$' -- user_at "$registry"
works -- "$helper" switch "$registry" alice
says '^alice$' -- user_at "$registry"
refused -- "$helper" switch "$registry" carol
says '^alice$' -- user_at "$registry"

works -- "$helper" logout "$registry" -u bob
refused -- docker push "$registry/bob/app:1"
goes_as alice -- docker push "$registry/alice/app:1"
works -- "$helper" configure-docker --undo
refused -- grep -q ensign "$HOME/.docker/config.json"

# With RUST_BACKTRACE each error walks the stack. A program without unwind tables would abort here.
new_home nothing
fails 3 'nowhere.example' -- env RUST_BACKTRACE=1 "$helper" which nowhere.example/a/b
