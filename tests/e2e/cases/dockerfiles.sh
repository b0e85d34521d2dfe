# shellcheck shell=bash disable=SC2154
# Compares a current BuildKit and the helper: which images do random Dockerfiles pull? The random seed is fixed.

needs_ensign
moby=$tools/moby/usr
[ -x "$moby/sbin/dockerd" ] || skip_rest "no BuildKit of today is installed"

new_home nothing
docker_config "{\"cliPluginsExtraDirs\": [\"$moby/libexec/docker/cli-plugins\"]}"
export DOCKER_HOST=unix://$state/moby.sock PATH=$moby/bin:$PATH

# dockerfiles.py is the registry. The registry's images have no layers, so BuildKit runs and copies nothing.
start moby "$moby/sbin/dockerd" --iptables=false --ip6tables=false --bridge=none --feature containerd-snapshotter=true \
  --storage-driver=native --registry-mirror http://localhost:5009 --host "$DOCKER_HOST" --data-root "$state/moby" \
  --exec-root "$state/moby-run" --pidfile "$state/moby.pid"
daemon=$!
until_works moby docker version
works -- "$here/dockerfiles.py" --helper "$helper" --seed 1 --count 50
kill "$daemon"
