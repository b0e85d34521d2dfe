#!/bin/sh
# Measures the time of one `get` as a whole process, compared with the smallest possible program and with a Rust hello.
#
# usage: benches/get.sh [ROUNDS]      (default: 300)
#   PROGRAM=PATH  the program to measure; by default packaging/build.sh builds it
#   BASE=PATH     an earlier program to measure in the same rounds
set -eu

rounds=${1:-300}
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
asked=registry.example.test # the calling process names an image of this registry
silent=silent.example.test  # the calling process names no image of this registry

main() {
    program=${PROGRAM:-$("$root/packaging/build.sh")}
    work=$(mktemp -d)
    trap 'HOME="$work/sealed-3" lock; rm -rf "$work"' EXIT
    trap 'exit 130' HUP INT TERM
    compile
    # Copies the programs, as an installation does. A file that the linker has just written is in smaller pieces in the
    # page cache, so its start causes more page faults.
    mkdir "$work/bin"
    cp "$work/floor" "$work/hello" "$work/hello_static" "$work/bin"
    cp "$program" "$work/bin/docker-credential-ensign"
    [ -z "${BASE:-}" ] || cp "$BASE" "$work/bin/before"
    for count in 3 100 1000 10000; do
        accounts "spread-$count" $asked 1 $((count - 1))
        accounts "asked-$count" $asked "$count" 0
        accounts "silent-$count" $silent "$count" 0
    done
    sealed sealed-3 asked-3
    {
        references
        base 'before: 3 accounts on it, the caller names the image'
        for count in 3 100 1000 10000; do
            get "$count registries, one account each" '"alice"' "spread-$count" $asked
            get "$count registries, the asked one unknown" 'credentials not found' "spread-$count" unknown.example.test
            get "$count accounts on it, the caller names the image" '"alice"' "asked-$count" $asked
            get "$count accounts on it, the caller names none" '"user-1"' "silent-$count" $silent
            get "$count accounts on another, the asked one unknown" 'credentials not found' "asked-$count" unknown.example.test
        done
    } >"$work/programs"
    {
        references
        base 'before: 3 accounts on it, five Compose files name the image'
        get '3 accounts on it, five Compose files name the image' '"alice"' asked-3 $asked
    } >"$work/programs-of-files"
    project
    echo "$rounds rounds; $(uname -sm), $(getconf _NPROCESSORS_ONLN) processors, load$(uptime | sed 's/.*load average[s]*//')"
    # The environment is as large as a person's, but has no variable of Ensign. A variable of Ensign would make Ensign
    # check how the caller was started, which most people's calls do not need.
    unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_RUNTIME_DIR ENSIGN_CONFIG_DIR ENSIGN_DATA_DIR ENSIGN_ACCOUNT
    export ROUNDS="$rounds" BENCH_HOME="$work/home" HOME="$work/home"
    "$work/docker" push $asked/alice/app:1 <"$work/programs"
    if [ -e "$work/sealed-3/.local/share/ensign/sealed" ]; then
        # The runner needs three references, so this row appears three times. All ratios of this table compare with this
        # row.
        for reference in '3 accounts, from a file' 'once more' 'and once more'; do
            get "$reference" '"alice"' asked-3 $asked
        done >"$work/programs-of-sealed"
        get '3 accounts, sealed, the key open' '"alice"' sealed-3 $asked >>"$work/programs-of-sealed"
        echo 'From a file and sealed; all ratios are to the first rows:'
        "$work/docker" push $asked/alice/app:1 <"$work/programs-of-sealed"
    fi
    cd "$work/project"
    "$work/docker" compose push <"$work/programs-of-files" | tail -n +6
}

# sealed HOME FROM: copies the home FROM to HOME and seals its secrets with a key in the kernel's keyring, if that
# keyring works here.
sealed() {
    cp -r "$work/$2" "$work/$1"
    (
        export HOME="$work/$1"
        unset XDG_CONFIG_HOME XDG_DATA_HOME ENSIGN_CONFIG_DIR ENSIGN_DATA_DIR
        cd "$HOME"
        set -- "$work/bin/docker-credential-ensign"
        printf bench | "$1" store key --holder passphrase --passphrase-stdin --cache 1h --json | grep -q '"cached":true' &&
            "$1" store move --to sealed --json
    ) >"$work/sealed.log" 2>&1 || rm -rf "$work/$1/.local/share/ensign/sealed"
}

lock() {
    "$work/bin/docker-credential-ensign" lock >"$work/lock.log" 2>&1 || true
}

references() {
    row 'a program without libc that ends at once' '' - - "$work/bin/floor"
    row 'Rust hello' hello - - "$work/bin/hello"
    row 'Rust hello, static, of the GNU libc' hello - - "$work/bin/hello_static"
}

# base LABEL
base() {
    [ -z "${BASE:-}" ] || row "$1" '"alice"' "$work/asked-3" $asked "$work/bin/before"
}

# Creates a Compose project: a file with an override, an `.env`, and two included files.
project() {
    mkdir "$work/project"
    echo 'TAG=1' >"$work/project/.env"
    # shellcheck disable=SC2016 # Compose substitutes TAG
    service() { printf 'services:\n  %s:\n    build: .\n    image: %s/alice/%s:${TAG}\n    environment: {A: b}\n' "$1" $asked "$1"; }
    { echo 'include: [part1.yaml, part2.yaml]' && service web; } >"$work/project/compose.yaml"
    for part in part1 part2; do service $part >"$work/project/$part.yaml"; done
    service web >"$work/project/compose.override.yaml"
}

compile() {
    target=$(rustc -vV | sed -n 's/^host: //p')
    set -- --edition 2024 -C opt-level=3 -C lto=fat -C codegen-units=1 -C panic=abort -C strip=symbols
    rustc "$@" -o "$work/docker" "$root/benches/programs/spawn.rs"
    rustc "$@" -o "$work/hello" "$root/benches/programs/hello.rs"
    rustc "$@" --target "$target" -C target-feature=+crt-static -C relocation-model=pie -o "$work/hello_static" "$root/benches/programs/hello.rs"
    rustc "$@" -C link-arg=-nostartfiles -C link-arg=-nostdlib -C link-arg=-static -C relocation-model=static \
        -o "$work/floor" "$root/benches/programs/floor.rs"
}

# row LABEL EXPECTED HOME SERVER PATH
row() {
    printf '%s\t%s\t%s\t%s\t%s\n' "$@"
}

# get LABEL EXPECTED HOME SERVER
get() {
    row "$1" "$2" "$work/$3" "$4" "$work/bin/docker-credential-ensign"
}

# accounts HOME REGISTRY COUNT OTHERS: writes a home with COUNT accounts on REGISTRY, and one account on each of OTHERS
# more registries. alice is in the middle of the COUNT accounts, and REGISTRY in the middle of all registries.
accounts() {
    mkdir -p "$work/$1/.config/ensign" "$work/$1/.local/share/ensign/secrets"
    awk -v home="$work/$1" -v asked="$2" -v count="$3" -v others="$4" '
        function registry(host, count, name, secrets, i, between, field, line) {
            secrets = home "/.local/share/ensign/secrets/" host ".json"
            # Each account is one line, as `store` writes it.
            field = count > 1 ? "\n      " : ""
            line = count > 1 ? "\n        " : ""
            printf "%s\n    \"%s\": {%s\"active\": \"%s\",%s\"accounts\": {", comma, host, field, (count > 1 ? "user-1" : "alice"), (field ? field : " ")
            printf "{\n  \"version\": 1,\n  \"secrets\": {" >secrets
            for (i = 1; i <= count; i++) {
                name = i == int(count / 2) + 1 ? "alice" : "user-" i
                between = i > 1 ? "," : ""
                printf "%s%s\"%s\": {\"username\": \"%s\", \"store\": \"file\"}", between, line, name, name
                printf "%s\n    \"%s\": \"s3cret-0123456789abcdef0123456789abcdef\"", between, name >secrets
            }
            printf "%s}%s}", (count > 1 ? "\n      " : ""), (count > 1 ? "\n    " : "")
            printf "\n  }\n}\n" >secrets
            close(secrets)
            comma = ","
        }
        BEGIN {
            printf "{\n  \"version\": 3,\n  \"registries\": {"
            for (n = 1; n <= others / 2; n++) registry("registry" n ".example.test", 1)
            registry(asked, count)
            for (; n <= others; n++) registry("registry" n ".example.test", 1)
            printf "\n  }\n}\n"
        }' >"$work/$1/.config/ensign/config.json"
    chmod -R go= "$work/$1"
}

main
