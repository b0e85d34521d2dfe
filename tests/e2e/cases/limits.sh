# shellcheck shell=bash disable=SC2016,SC2154
# Cases that one answer per registry cannot solve, with the solutions in docs/limits.md.

needs_ensign

# buildx's folders are Docker configs with a pinned helper. The pinned account answers, whatever the default is and
# whatever the command names. buildx is not installed here; tests/it/buildx.rs tests how buildx finds a folder.
new_home credHelpers alice bob
printf 'FROM %s/alice/base:1\n' "$registry" >Dockerfile
works -- "$helper" buildx sync "$registry/bob/app" "$basic/bob/app" ghcr.io/alice/base ghcr.io/bob/app alice/base bob/app
folders=$HOME/.docker/buildx/config
says alice -- cat "$folders/$registry/alice/base/config.json"
for host in "$registry" ghcr.io; do
  goes_as alice -- docker --config "$folders/$host/alice/base" pull "$host/alice/base:1"
  goes_as bob -- docker --config "$folders/$host/bob/app" push "$host/bob/app:1"
  refused -- docker --config "$folders/$host/alice/base" push "$host/bob/app:1"
  refused -- docker --config "$folders/$host/bob/app" push "$host/alice/app:1"
done
goes_as bob -- docker --config "$folders/$basic/bob/app" push "$basic/bob/app:1"
goes_as alice -- docker --config "$folders/registry-1.docker.io/alice/base" pull docker.io/alice/base:1
goes_as bob -- docker --config "$folders/registry-1.docker.io/bob/app" push docker.io/bob/app:1

# Does one build with both accounts as buildx does: pulls the base image with one folder, and pushes with the other.
docker rmi -f "$registry/alice/base:1" >/dev/null 2>&1 || true
goes_as alice -- docker --config "$folders/$registry/alice/base" pull "$registry/alice/base:1"
works -- env DOCKER_BUILDKIT=0 docker build -q -t "$registry/bob/app:built" .
goes_as bob -- docker --config "$folders/$registry/bob/app" push "$registry/bob/app:built"
goes_as alice -- podman pull -q --authfile "$folders/$registry/alice/base/config.json" "$registry/alice/base:1"

# A copy from one account to another asks twice in the same way, so only two auth files can distinguish the accounts.
refused -- skopeo copy "docker://$registry/alice/base:1" "docker://$registry/bob/app:copy"
goes_as alice,bob -- skopeo copy --src-authfile "$folders/$registry/alice/base/config.json" \
  --dest-authfile "$folders/$registry/bob/app/config.json" \
  "docker://$registry/alice/base:1" "docker://$registry/bob/app:copy"
for me in alice bob; do
  works -- "$helper" pin $me
  printf '{"credHelpers": {"%s": "%s-%s"}}' "$registry" "$name" $me >"$HOME/$me.json"
done
goes_as alice,bob -- skopeo copy --src-authfile "$HOME/bob.json" --dest-authfile "$HOME/alice.json" \
  "docker://$registry/bob/base:1" "docker://$registry/alice/app:copy"

# `--remove` deletes the folders.
works -- "$helper" buildx sync --remove
refused -- test -e "$folders"

# Images of two accounts in one project need one command for each service, and for each base image.
new_home credHelpers alice bob
cat >compose.yaml <<YML
services: {one: {image: $registry/alice/app:1, build: .}, two: {image: $registry/bob/app:1, build: .}}
YML
if [ -x "$tools/docker-compose" ]; then
  goes_as alice -- docker compose push one
  goes_as bob -- docker compose push two
  # `publish` first pushes the images of all services, and continues if the registry refuses one.
  sed -i "s|$registry|ghcr.io|" compose.yaml
  goes_as alice -- docker compose push one
  goes_as bob -- docker compose push two
  goes_as alice -- "$helper" exec --account alice -- docker compose publish -y ghcr.io/alice/project:1
  goes_as alice -- skopeo inspect --raw docker://ghcr.io/alice/project:1
fi
printf 'FROM %s/alice/base:1 AS one\nFROM %s/bob/base:1\nCOPY --from=one /hosts /one\n' "$registry" "$registry" >Dockerfile
podman rmi -f "$registry"/{alice,bob}/base:1 >/dev/null 2>&1 || true
refused -- podman build -q .
goes_as alice -- podman pull -q "$registry/alice/base:1"
goes_as bob -- podman pull -q "$registry/bob/base:1"
works -- podman build -q --pull=never .

# Ensign cannot see the image of this script. The account comes from `exec`, the shell, the folder, or a pinned helper
# in a Docker config for the script.
python=$tools/venv/bin/python
needs "$python" "Docker SDK for Python"
cat >deploy.py <<'PY'
import os, docker
assert "error" not in docker.from_env().images.push(os.environ["IMG"], tag="1")
PY
for me in alice bob; do
  other=bob
  [ $me = alice ] || other=alice
  export IMG=$registry/$me/app
  store $other "$registry" # makes the other account the default
  refused -- "$python" deploy.py
  goes_as $me -- "$helper" exec --account $me -- "$python" deploy.py
  goes_as $me -- bash -c "eval \"\$($helper use $registry=$me --shell bash)\" && $python deploy.py"
  works -- "$helper" pin $me
  mkdir -p "$HOME/$me"
  printf '{"credHelpers": {"%s": "%s-%s"}}' "$registry" "$name" $me >"$HOME/$me/config.json"
  goes_as $me -- env DOCKER_CONFIG="$HOME/$me" "$python" deploy.py
  mkdir -p "$HOME/work-$me"
  works -- "$helper" account edit "$registry" $me --folder "$HOME/work-$me"
  script=$PWD/deploy.py
  goes_as $me -- bash -c "cd $HOME/work-$me && $python $script"
done
