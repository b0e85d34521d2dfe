#!/bin/sh
# Draws docs/session.svg, the picture in README.md: a real session of the program with Docker and a registry on this machine.
#
# usage: packaging/picture.sh        (HELPER=PATH: the program; else packaging/build.sh builds it)
#
# It needs what tests/e2e/run.sh needs (Debian, root, namespaces), and tmux, which is the terminal.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
command -v tmux >/dev/null || { echo "error: there is no tmux" >&2 && exit 1; }
screen=$(mktemp)
trap 'rm -f "$screen"' EXIT
DRIVER=$root/packaging/picture/session.sh SCREEN=$screen "$root/tests/e2e/run.sh"
python3 "$root/packaging/picture/svg.py" <"$screen" >"$root/docs/session.svg"
