#!/usr/bin/env bash
# Runs real clients with real registries and the credential helper.
#
# usage: tests/e2e/run.sh [CASE-REGEX]
#   HELPER=PATH  the program to test, named docker-credential-NAME; by default packaging/build.sh builds it
#   CASES=GLOB   runs only these files of cases/, such as basics
#   ENSIGN_STRESS_SECONDS=60   how long renewal.sh takes
#   STEADY_RUNS=10             how often steady.sh asks
#   DRIVER=PATH  runs this script inside the namespaces instead of the cases, as packaging/picture.sh does
#   KEEP=1       keeps the state folder (logs, outputs, homes)
#
# All processes run in private mount, network and process namespaces. So ports never collide, no packet leaves the
# machine, and all processes end with the run.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

if [ ! -e /etc/debian_version ] || ! unshare --mount --net --pid --fork true 2>/dev/null; then
  echo "e2e: all skipped, for the registries and the Docker daemon need Debian, root and the right to make namespaces"
  exit 0
fi

"$here/install.sh"
PATH=$PATH:$root/target/e2e-tools/cargo/bin # finds cargo-auditable, which adds the list of crates
helper=$(realpath -s "${HELPER:-$("$root/packaging/build.sh")}")
case ${helper##*/} in
docker-credential-*) ;;
*) echo "e2e: \`$helper\` is not named docker-credential-NAME" >&2 && exit 2 ;;
esac

state=$(mktemp -d "${TMPDIR:-/tmp}/ensign-e2e.XXXXXX")
# shellcheck disable=SC2317 # called by trap
finish() {
  # Killing the first process of the namespace kills all others in it, and then unshare ends.
  [ -z "${namespace:-}" ] || pkill -KILL -P "$namespace" || true
  wait
  if [ -n "${KEEP:-}" ]; then echo "e2e: kept $state"; else rm -rf "$state"; fi
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

docker=$(command -v docker)
path=${docker%/*}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
env -i PATH="$path" HOME="$state/homes" LANG=C.UTF-8 \
  ENSIGN_STRESS_SECONDS="${ENSIGN_STRESS_SECONDS:-60}" STEADY_RUNS="${STEADY_RUNS:-10}" state="$state" tools="$root/target/e2e-tools" program="$helper" only="${1:-.}" files="${CASES:-*}" SCREEN="${SCREEN:-}" \
  unshare --mount --net --pid --fork --kill-child --mount-proc bash "${DRIVER:-$here/drive.sh}" </dev/null &
namespace=$!
status=0
wait "$namespace" || status=$?
namespace=
exit $status
