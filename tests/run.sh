#!/usr/bin/env bash
# Runs all checks of the project: format, lints, tests, shell scripts, and the release program with real clients.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# If HOME names a folder without Rust, finds Rust in the home folder that the user database names.
home=$(getent passwd "$(id -u)" 2>/dev/null | cut -d: -f6 || true)
for folder in cargo rustup; do
  variable=${folder^^}_HOME
  if [ -z "${!variable:-}" ] && [ ! -d "$HOME/.$folder" ] && [ -d "${home:-/nowhere}/.$folder" ]; then
    export "$variable=$home/.$folder"
  fi
done
PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH

step() {
  echo "== $*"
  "$@"
}

check_scripts() {
  git ls-files -z '*.sh' .ci/run | xargs -0 shellcheck --external-sources --source-path SCRIPTDIR
}

tests/e2e/install.sh
PATH=$PATH:$PWD/target/e2e-tools/cargo/bin:$PWD/target/e2e-tools/actionlint/bin
step cargo fmt --check
step cargo clippy --all-targets --locked -- -D warnings
RUSTDOCFLAGS="-D warnings" step cargo doc --locked --no-deps --document-private-items
step cargo test --locked
step tests/crash/run.py
if command -v shellcheck >/dev/null; then step check_scripts; fi
parser=target/e2e-tools/powershell/bin/python
if "$parser" -c 'import tree_sitter_powershell' 2>/dev/null; then step "$parser" tests/powershell.py install.ps1; fi
if command -v actionlint >/dev/null; then step actionlint; fi
if command -v cargo-deny >/dev/null; then step cargo deny --log-level error --locked check bans licenses sources; fi
echo "== packaging/build.sh"
newer_musl=$PWD/target/e2e-tools/musl
if [ -e "$newer_musl/rcrt1.o" ]; then export MUSL=$newer_musl; fi
HELPER=$(packaging/build.sh)
export HELPER
step tests/e2e/run.sh
