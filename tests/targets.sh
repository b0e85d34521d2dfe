#!/usr/bin/env bash
# Builds the release program of each target that this machine can build. Runs the programs for other machines too:
# aarch64 under QEMU and Windows under Wine. Prints what it did. The script takes minutes, so it runs only before a
# release.
#
# usage: tests/targets.sh [TARGET]...
#   PROGRAMS=DIR  programs that are already built, as DIR/TARGET
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=$root/target/e2e-tools
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
PATH=$PATH:$tools/cargo/bin

main() {
  "$root/tests/e2e/install.sh" targets
  [ $# -gt 0 ] || set -- x86_64-unknown-linux-musl aarch64-unknown-linux-musl x86_64-pc-windows-gnu
  local target program
  for target; do
    program=$(program_of "$target")
    [ -n "$program" ] || exit 1
    echo "== $target: $(stat -Lc %s "$program") bytes, $(file -bL "$program" | cut -d, -f1-2)"
    says_no_folder "$program"
    "$tools/cargo/bin/rust-audit-info" "$program" >"$stage/list"
    echo "   names $(jq '.packages | length' "$stage/list") crates"
    case $target in
    x86_64-unknown-linux-*) try "$program" ;;
    *-linux-*) try_under_qemu "$program" "${target%%-*}" ;;
    *-windows-*) try_under_wine "$program" ;;
    esac
  done
}

program_of() { # TARGET
  if [ -n "${PROGRAMS:-}" ]; then
    realpath -e "$PROGRAMS/$1"
  else
    case $1 in
    x86_64-*-musl) export MUSL=$tools/musl ;;
    aarch64-*-musl) export MUSL=$tools/musl-aarch64 ;;
    esac
    "$root/packaging/build.sh" --target "$1"
  fi
}

says_no_folder() { # PROGRAM
  if grep -aoE "(/root|/home|$root)/[ -~]{0,60}" "$1"; then
    echo "   $1 names folders of this machine" >&2
    exit 1
  fi
  echo "   names no folder of this machine"
}

# Runs the basic end-to-end tests with real clients, registries and a token server.
try() { # PROGRAM
  cp "$1" "$stage/docker-credential-ensign"
  HELPER=$stage/docker-credential-ensign CASES=basics "$root/tests/e2e/run.sh"
}

try_under_qemu() { # PROGRAM ARCHITECTURE
  cp "$1" "$stage/program"
  wrapper "exec qemu-$2-static -0 \"\$0\" '$stage/program' \"\$@\""
}

# Windows 10 has a DLL that Wine 8 lacks, so the script builds a replacement of a few lines of C.
try_under_wine() { # PROGRAM
  mkdir "$stage/windows"
  cp "$1" "$stage/windows/docker-credential-ensign.exe"
  cat >"$stage/prng.c" <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length) { return SystemFunction036(buffer, (ULONG)length); }
C
  x86_64-w64-mingw32-gcc -shared -o "$stage/bcryptprimitives.dll" "$stage/prng.c" -ladvapi32
  export WINEPREFIX=$stage/wine WINEDEBUG=-all
  wineboot -i >/dev/null 2>&1
  wineserver -w
  cp "$stage/bcryptprimitives.dll" "$WINEPREFIX/drive_c/windows/system32/"
  wrapper "export WINEPREFIX='$WINEPREFIX' WINEDEBUG=-all ENSIGN_CONFIG_DIR=\"Z:\$HOME/.config/ensign\" ENSIGN_DATA_DIR=\"Z:\$HOME/.local/share/ensign\"
exec wine '$stage/windows/docker-credential-ensign.exe' \"\$@\""
}

wrapper() { # SCRIPT
  printf '#!/bin/sh\n%s\n' "$1" >"$stage/docker-credential-ensign"
  chmod 755 "$stage/docker-credential-ensign"
  HELPER=$stage/docker-credential-ensign CASES=basics "$root/tests/e2e/run.sh"
}

main "$@"
