#!/bin/sh
# Measures one `get` whose key is in the operating system's keyring and nowhere else, beside Debian's helper, which has
# its secret there. Both ask one GNOME Keyring, in a session of their own.
#
# usage: benches/keyring.sh [ROUNDS]      (200 unless given)
#   PROGRAM=PATH  the program to measure; else packaging/build.sh builds it
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
server=registry.example.test

# In the session
if [ -n "${KEYRING_BENCH:-}" ]; then
    work=$KEYRING_BENCH ours=$KEYRING_BENCH/bin/docker-credential-ensign debians=docker-credential-secretservice
    printf pw | gnome-keyring-daemon --unlock --components=secrets >"$work/gnome.log" 2>&1
    "$ours" store key --holder keyring --cache 0s
    printf s3cret | "$ours" login $server -u alice --password-stdin --no-verify --store sealed
    printf '{"ServerURL":"%s","Username":"alice","Secret":"s3cret"}' $server | $debians store
    row() { printf '%s\t%s\t-\t%s\t%s\n' "$@"; }
    {
        row 'a program without libc that ends at once' '' - "$work/bin/floor"
        row 'Rust hello' hello - "$work/bin/hello"
        row "Debian's docker-credential-secretservice" '"alice"' $server "$(command -v $debians)"
        row 'sealed, its key asked of the keyring' '"alice"' $server "$ours"
    } >"$work/programs"
    "$work/docker" push $server/alice/app:1 <"$work/programs" | sed "1s/× static hello/× Debian's/"
    exit
fi

program=${PROGRAM:-$("$root/packaging/build.sh")}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM
mkdir -m 700 "$work/bin" "$work/home" "$work/run"
set -- "${1:-200}" --edition 2024 -C opt-level=3 -C lto=fat -C codegen-units=1 -C panic=abort -C strip=symbols
export ROUNDS="$1"
shift
rustc "$@" -o "$work/docker" "$root/benches/programs/spawn.rs"
rustc "$@" -o "$work/bin/hello" "$root/benches/programs/hello.rs"
rustc "$@" -C link-arg=-nostartfiles -C link-arg=-nostdlib -C link-arg=-static -C relocation-model=static \
    -o "$work/bin/floor" "$root/benches/programs/floor.rs"
cp "$program" "$work/bin/docker-credential-ensign"
echo "$ROUNDS rounds; $(uname -sm), $(getconf _NPROCESSORS_ONLN) processors, load$(uptime | sed 's/.*load average[s]*//')"
env -i PATH="$PATH" HOME="$work/home" XDG_RUNTIME_DIR="$work/run" ROUNDS="$ROUNDS" KEYRING_BENCH="$work" \
    dbus-run-session -- "$0" 2>"$work/session.log" || { cat "$work/session.log" >&2 && exit 1; }
