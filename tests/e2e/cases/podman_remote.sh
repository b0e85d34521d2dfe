# shellcheck shell=bash disable=SC2154
# `podman --remote`, as on macOS and Windows. The remote client collects the logins of all registries, and fails for all
# if any file has a key with a scheme.

needs_ensign
# Old versions of podman lack the service.
podman system service --help >/dev/null 2>&1 || skip_rest "this podman has no service"

# The service runs with its own home and without the helper, as in Podman's virtual machine. With the helper, the
# service would answer as its own default account.
serve() {
  socket=$HOME/podman.sock
  mkdir -p "$HOME/service/.config/containers" "$HOME/service/run"
  grep -v '^credential-helpers' "$HOME/.config/containers/registries.conf" >"$HOME/service/.config/containers/registries.conf"
  env HOME="$HOME/service" XDG_RUNTIME_DIR="$HOME/service/run" podman system service -t 0 "unix://$socket" >"$state/log/podman-service.log" 2>&1 &
  service=$!
  until_works podman-service podman --remote --url "unix://$socket" version
}

remote() { podman --remote --url "unix://$socket" "$@"; }

for kind in nothing registries.conf; do
  new_home $kind alice bob
  "$helper" configure-docker >"$TMPDIR/configured" 2>&1
  serve
  goes_as alice -- remote push "$registry/alice/app:1"
  goes_as bob -- remote push "$registry/bob/app:1"
  goes_as alice -- remote push docker.io/alice/app:1
  goes_as bob -- remote pull -q "$registry/bob/base:1"
  goes_as bob -- docker push docker.io/bob/app:1
  goes_as alice -- docker push docker.io/alice/app:1
  kill "$service"
  wait "$service" 2>/dev/null || true
done

# `configure-docker` repairs an entry that an older Ensign wrote.
new_home nothing alice bob
docker_config "{\"credHelpers\":{\"$hub\":\"$name\",\"docker.io\":\"$name\",\"$registry\":\"$name\"}}"
serve
refused -- remote push "$registry/bob/app:1"
says 'podman --remote. fails on .https://index.docker.io/v1/' -- "$helper" status
works -- "$helper" configure-docker
goes_as bob -- remote push "$registry/bob/app:1"
goes_as bob -- docker push docker.io/bob/app:1
kill "$service"
wait "$service" 2>/dev/null || true
