#!/bin/sh
# Draws docs/session.svg, the picture in README.md. The picture shows a real session of Ensign with Docker and a local
# registry.
#
# usage: packaging/picture.sh
#   HELPER=PATH  the program; by default packaging/build.sh builds it
#
# The script needs tmux as the terminal, and what tests/e2e/run.sh needs: Debian, root, namespaces.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
command -v tmux >/dev/null || { echo "error: there is no tmux" >&2 && exit 1; }
screen=$(mktemp)
trap 'rm -f "$screen"' EXIT
DRIVER=$root/packaging/picture/session.sh SCREEN=$screen "$root/tests/e2e/run.sh"
python3 "$root/packaging/picture/svg.py" <"$screen" >"$root/docs/session.svg"
