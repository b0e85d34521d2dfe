#!/bin/sh
# Builds the release program and prints its path. On Linux with the GNU libc it is a static-pie: it runs on any
# distribution, and the kernel places it at a random address.
set -eu

cd "$(dirname "$0")/.."
host=$(rustc -vV | sed -n 's/^host: //p')
set -- --release --locked --bin docker-credential-ensign
case $host in
# Naming the target keeps the flags away from procedural macros, which cannot be linked so.
*-linux-gnu*)
    flags='"-Ctarget-feature=+crt-static","-Crelocation-model=pie"'
    set -- "$@" --target "$host" --config "target.$host.rustflags=[$flags]"
    ;;
esac
messages=$(cargo build "$@" --message-format=json-render-diagnostics)
printf '%s\n' "$messages" | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p'
