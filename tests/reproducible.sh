#!/usr/bin/env bash
# Builds the last commit twice and compares the bytes. The two builds use different folders for the source, for cargo
# and for cargo-auditable. Two whole builds take long, so this test runs only before a release.
#
# usage: tests/reproducible.sh [TARGET]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=$root/target/e2e-tools/cargo/bin
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
unset CARGO_TARGET_DIR

build() { # FOLDER BIN CARGO_HOME TARGET...
  mkdir -p "$1" "$2"
  cp "$tools/cargo-auditable" "$2/"
  git clone -q "$root" "$1/ensign"
  PATH=$2:$PATH CARGO_HOME=$3 "$1/ensign/packaging/build.sh" "${@:4}"
}

target=(${1:+--target "$1"})
one=$(build "$stage/one" "$stage/bin" "${CARGO_HOME:-$HOME/.cargo}" "${target[@]}")
two=$(build "$stage/another one's" "$stage/other bin" "$stage/cargo" "${target[@]}")
sha256sum "$one" "$two" | sed "s|$stage/||"
cmp "$one" "$two" && echo "the same bytes"
