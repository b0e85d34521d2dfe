#!/bin/sh
# Prints the licences of the crates in the release programs, each text once. The same Cargo.lock gives the same bytes.
# If a crate offers MIT or another licence, Ensign uses it under MIT.
#
# usage: packaging/licences.sh
set -eu

TARGETS='x86_64-unknown-linux-musl aarch64-unknown-linux-musl x86_64-pc-windows-gnu x86_64-apple-darwin aarch64-apple-darwin'

main() {
    cd "$(dirname "$0")/.."
    stage=$(mktemp -d)
    trap 'rm -rf "$stage"' EXIT
    trap 'exit 130' HUP INT TERM
    export LC_ALL=C
    mkdir "$stage/texts"
    : >"$stage/without"
    crates >"$stage/crates" || exit
    while read -r name version licence; do collect "$name" "$version" "$licence"; done <"$stage/crates"
    print
}

# Prints one line for each crate: name, version, licence.
crates() {
    set -- tree --locked --edges normal,no-proc-macro --prefix none --format '{p}|{l}'
    for target in $TARGETS; do set -- "$@" --target "$target"; done
    lines=$(cargo "$@")
    printf '%s\n' "$lines" | sed -e '/^$/d' -e '/(\//d' -e 's/ (\*)$//' -e 's/^\([^ ]*\) v\([^ |]*\)[^|]*|/\1 \2 /' | sort -u
}

# collect NAME VERSION LICENCE: copies a crate's licence texts into one folder, under their checksums.
collect() {
    source=$(find "${CARGO_HOME:-$HOME/.cargo}/registry/src" -mindepth 2 -maxdepth 2 -name "$1-$2" | sort | head -n 1)
    [ -n "$source" ] || die "the source of $1 $2 is missing: run \`cargo fetch --locked\`"
    files=$(find "$source" -maxdepth 1 -type f \( -iname 'licen[cs]e*' -o -iname 'copying*' -o -iname 'notice*' \) | sort)
    case $3 in
    *AND*) ;;
    *MIT*) if mit=$(printf '%s\n' "$files" | grep -i 'mit[^/]*$'); then files=$mit; fi ;;
    esac
    if [ -z "$files" ]; then
        printf '  %s %s (%s)\n' "$1" "$2" "$3" >>"$stage/without"
        return
    fi
    printf '%s\n' "$files" | while IFS= read -r file; do
        tr -d '\r' <"$file" >"$stage/text"
        sum=$(cksum <"$stage/text" | tr ' ' -)
        cp "$stage/text" "$stage/texts/$sum"
        printf '  %s %s (%s)\n' "$1" "$2" "$3" >>"$stage/texts/$sum.crates"
    done
}

print() {
    cat <<'END'
Ensign contains the crates below and these parts:

  Rust's standard library (MIT OR Apache-2.0), by the Rust Project's contributors, https://github.com/rust-lang/rust
  on Linux musl (MIT), Copyright 2005-2020 Rich Felker, et al., https://musl.libc.org
  on Linux LLVM's libunwind (Apache-2.0 WITH LLVM-exception), https://github.com/llvm/llvm-project
END
    if [ -s "$stage/without" ]; then
        printf '\nThese crates contain no licence text:\n\n'
        cat "$stage/without"
    fi
    # Sorts the texts by the name of the first crate that has each text.
    grep -H -m 1 . "$stage"/texts/*.crates | sed 's/^\([^:]*\)\.crates:\(.*\)/\2|\1/' | sort | sed 's/.*|//' |
        while IFS= read -r text; do
            printf '\n%s\n\n' '--------------------------------------------------------------------------------'
            cat "$text.crates"
            echo
            cat "$text"
        done
}

die() {
    printf 'licences.sh: %s\n' "$1" >&2
    exit 1
}

main "$@"
