# shellcheck shell=bash disable=SC2016,SC2154
# Accounts in CI jobs: the GitHub action, the GitLab snippet, and images that copy the program from Ensign's image.

needs_ensign
needs buildah
packaging=$here/../../packaging

given() { # ACCOUNT ALIAS REGISTRY, as the variable of a job
  echo "ENSIGN_LOGIN_$2=$3 $1 $(cat "$state/passwords/$1")"
}

# Removes the tested program from PATH, because the action must install it.
without_ours() { # COMMAND...
  PATH=${PATH#"$state/bin:"} "$@"
}

as_job() { # COMMAND..., with an account for each of two namespaces, and bob for the rest of Docker Hub
  env "$(given alice ALICE "$registry/alice/**")" "$(given bob BOB "$registry/bob/**")" \
    "$(given bob HUB docker.io)" "$(given alice HUB_ALICE 'docker.io/alice/**')" "$@"
}

for me in alice bob; do
  new_home nothing
  action() {
    as_job /usr/bin/python3 "$here/ci.py" github "$packaging/ci/github/action.yml" "registries=$registry docker.io" "program=$program" -- "$@"
  }
  goes_as $me -- without_ours action docker push "$registry/$me/app:1"
  goes_as $me -- without_ours action docker push "$me/app:1"
  refused -- without_ours action docker push "$registry/carol/app:1"
  refused -- test -e "$HOME/.config/ensign/config.json" -o -e "$HOME/.local/share/ensign"

  # A job of GitLab. Its image contains the program, and the job has neither a home nor a writable root folder.
  builds=$(mktemp -d "$state/homes/$group.XXXX")
  mkdir "$builds/project"
  snippet() {
    as_job env -u HOME -u XDG_RUNTIME_DIR CI_PROJECT_DIR="$builds/project" ENSIGN_REGISTRIES="$registry docker.io" \
      unshare --mount sh -c 'mount --bind "$0" "$0" && mount -o remount,bind,ro / && ! touch /written 2>/dev/null && exec "$@"' \
      "$builds" /usr/bin/python3 "$here/ci.py" gitlab "$packaging/ci/gitlab.yml" .ensign -- "$@"
  }
  goes_as $me -- snippet docker push "$registry/$me/app:1"
  goes_as $me -- snippet docker push "$me/app:1"
  says "\"$registry\": \"ensign\"" -- cat "$builds/project.tmp/docker/config.json"
done
new_home nothing
fails 1 "put docker-credential-ensign into the job's image" -- without_ours env CI_PROJECT_DIR="$HOME/p" \
  /usr/bin/python3 "$here/ci.py" gitlab "$packaging/ci/gitlab.yml" .ensign -- docker push "$registry/alice/app:1"

# A job image that copies the program from Ensign's image.
mkdir context accounts
cp "$program" context/docker-credential-ensign
works -- buildah bud -q -f "$packaging/image/Containerfile" -t localhost/ensign:1 context
works -- buildah bud -q -f "$packaging/image/job.Containerfile" \
  --build-arg ENSIGN=localhost/ensign:1 --build-arg BASE=localhost/base:1 -t localhost/job:1 context
container=$(buildah from --pull-never localhost/job:1)
root=$(buildah mount "$container")
says '"ghcr.io": "ensign"' -- cat "$root/etc/docker-client/config.json"
says '^1$' -- sh -c "buildah inspect --type image localhost/ensign:1 | jq '.OCIv1.rootfs.diff_ids | length'"

in_image() { # SERVER VARIABLE=VALUE..., without a home and without a writable folder
  printf %s "$1" | unshare --mount sh -c 'mount --bind "$0" "$0" && mkdir -p "$0/proc" "$0/run/accounts" &&
    mount -t proc proc "$0/proc" && mount --bind accounts "$0/run/accounts" && mount -o remount,bind,ro "$0" &&
    exec env -i "$@" /usr/sbin/chroot "$0" /usr/local/bin/docker-credential-ensign get' "$root" "${@:2}" | jq -r .Username
}
cat >accounts/accounts.json <<'JSON'
{"accounts": [
  {"registry": "ghcr.io", "username": "alice", "secret_file": "token", "images": ["ghcr.io/acme/**"]},
  {"registry": "ghcr.io", "username": "bob", "secret_file": "token", "active": true}]}
JSON
echo not-a-secret >accounts/token
file=ENSIGN_ACCOUNTS_FILE=/run/accounts/accounts.json
works_as() { says "^$1\$" -- in_image "${@:2}"; }
works_as bob ghcr.io $file
works_as alice ghcr.io/acme/app $file
works_as me ghcr.io 'ENSIGN_LOGIN_ME=ghcr.io me x' 'ENSIGN_LOGIN_WORK=ghcr.io/acme/** acme-bot x'
works_as acme-bot ghcr.io/acme/app 'ENSIGN_LOGIN_ME=ghcr.io me x' 'ENSIGN_LOGIN_WORK=ghcr.io/acme/** acme-bot x'
says 'credentials not found' -- sh -c "echo ghcr.io | buildah run $container /usr/local/bin/docker-credential-ensign get || true"
says '"me"' -- sh -c "echo ghcr.io | buildah run --env 'ENSIGN_LOGIN_ME=ghcr.io me x' $container /usr/local/bin/docker-credential-ensign get"
buildah rm "$container" >/dev/null
