# shellcheck shell=bash disable=SC2016,SC2154
# Docker's CLI with a real daemon: the image on its command line chooses the account.

for docker in $(printf '%s\n' "$(command -v docker)" /usr/bin/docker | sort -u); do
  for me in alice bob; do
    other=bob
    [ $me = alice ] || other=alice
    app=$registry/$me/app:1 base=$registry/$me/base:1

    new_home credHelpers $me $other # the other one is the default
    goes_as $me -- "$docker" push "$app"
    goes_as $me -- "$docker" image push -q "$app"
    goes_as $me -- "$docker" push "$basic/$me/app:1"
    goes_as $me -- "$docker" push "ghcr.io/$me/app:1"
    goes_as $me -- "$docker" push "$me/app:1" # a short name on Docker Hub
    goes_as $me -- "$docker" push "docker.io/$me/app:1"
    goes_as $me -- "$docker" pull "$base"
    goes_as $me -- "$docker" create --pull always "$base"
    # The image contains no program, so the run fails after the pull, with a status of 126 or more.
    goes_as $me -- sh -c "$docker run --rm --network none --pull always $base; test \$? -ge 126"

    goes_as $me -- "$docker" --config "$HOME/.docker" push "$app"
    goes_as $me -- "$docker" -H="$DOCKER_HOST" -l info push "$app"
    goes_as $me -- "$docker" manifest inspect --insecure "$base"
    goes_as $me -- "$docker" manifest create --insecure "$registry/$me/list:1" "$app"
    goes_as $me -- "$docker" manifest push --insecure "$registry/$me/list:1"

    printf 'FROM %s\nCOPY file /\n' "$base" >Dockerfile
    touch file
    goes_as $me -- env DOCKER_BUILDKIT=0 "$docker" build -q --pull -t "$registry/$me/built" .

    goes_as $me -- env IMAGE="$app" sh -c "$docker"' push $IMAGE; exit $?'
    goes_as $me -- sudo -E env PATH="$PATH" HOME="$HOME" "$docker" push "$app"
    goes_as $me -- sh -c "echo $app | xargs $docker push"
    goes_as $me -- setsid --wait nohup "$docker" push "$app"
    goes_as $me -- env TARGET="$registry/$other/app:1" "$docker" push "$app"
    # Images in other commands of the shell do not matter.
    goes_as $me -- sh -c "echo $registry/$other/app:1; $docker push $app; exit \$?"

    new_home credsStore $me $other
    goes_as $me -- "$docker" push "$app"
    goes_as $me -- "$docker" pull "$base"
    goes_as $me -- "$docker" push "ghcr.io/$me/app:1"
  done
  refused -- "$docker" push "$registry/carol/app:1"
  works -- "$docker" pull "$registry/public/base:1"

  new_home credHelpers
  goes_as nobody -- "$docker" pull "$registry/public/base:1"
  refused -- "$docker" push "$registry/alice/app:1"
done
