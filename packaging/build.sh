#!/bin/sh
# Builds the release program and prints its path. On Linux with the GNU libc it is linked statically and at a fixed
# address: it then starts fastest and runs on any distribution (ARCHITECTURE.md, «Decisions» has the figures).
#   SYMBOLS=1  with the names of functions, for packaging/order.py
set -eu

cd "$(dirname "$0")/.."
host=$(rustc -vV | sed -n 's/^host: //p')
set -- --release --locked --bin docker-credential-ensign
case $host in
# Naming the target keeps the flags away from procedural macros, which cannot be linked so.
*-linux-gnu*)
    flags='"-Ctarget-feature=+crt-static","-Crelocation-model=static"'
    # Longer pieces that many functions share are there once: 100 KB.
    flags="$flags,\"-Cllvm-args=-enable-machine-outliner=always\",\"-Cllvm-args=-outliner-benefit-threshold=24\""
    flags="$flags,\"-Clink-arg=-Wl,-z,noseparate-code\"" # two page faults
    flags="$flags,\"-Clinker-features=-lld\"" # which would leave out all of .eh_frame or nothing
    flags="$flags,\"-Clink-arg=-T\",\"-Clink-arg=$PWD/packaging/order.ld\""
    set -- "$@" --target "$host" --config "target.$host.rustflags=[$flags]"
    ;;
esac
[ -z "${SYMBOLS:-}" ] || set -- "$@" --config profile.release.strip=false
touch src/main.rs # cargo does not look whether the order has changed
messages=$(cargo build "$@" --message-format=json-render-diagnostics)
program=$(printf '%s\n' "$messages" | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
# The linker leaves the file in small pieces in the page cache; a copy starts a fifth faster. In pieces of 128 KiB `get` takes 40
# page faults and 2.0 MiB; in smaller ones 51 and 1.7, in larger ones down to 28, but up to 4.3.
dd if="$program" of="$program.copy" bs=131072 2>/dev/null
chmod 755 "$program.copy"
mv "$program.copy" "$program"
echo "$program"
