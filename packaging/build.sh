#!/bin/sh
# Builds the release program of a target and prints its path. The same tools give the same bytes in any folder.
# For Linux it builds a static-pie, which runs on any distribution and which the kernel loads at a random address.
# The program is linked with musl if musl is available, because musl starts faster than glibc.
#
# usage: packaging/build.sh [--target TARGET]
#   --target TARGET  a target of RELEASE.md; by default this machine's
#   MUSL=DIR         a folder with musl's rcrt1.o, libc.a and optionally libunwind.a for the target; by default Debian's
#   NO_AUDITABLE=1   do not add the list of crates, although cargo-auditable is installed
set -eu

main() {
    cd "$(dirname "$0")/.."
    # Cargo would ignore the flags of this script if one of these variables were set.
    unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
    host=$(rustc -vV | sed -n 's/^host: //p')
    target=
    case $# in
    0) ;;
    2) [ "$1" != --target ] || target=$2 ;;
    esac
    [ $# -eq 0 ] || [ -n "$target" ] || die 'usage: packaging/build.sh [--target TARGET]'
    target=${target:-$host}
    arch=${target%%-*}
    case $target in
    *-linux-*)
        build_for_linux
        check "$program"
        ;;
    *-windows-gnu) build_for_windows ;;
    *)
        has_standard_library "$target" || die "no standard library for $target: \`rustup target add $target\`"
        build
        ;;
    esac
    printf '%s\n' "$program"
}

build_for_linux() {
    musl=$arch-unknown-linux-musl
    crt=${MUSL:-/usr/lib/$arch-linux-musl}
    compiler=gcc
    [ "$arch" = "${host%%-*}" ] || compiler=$arch-linux-gnu-gcc
    flag -Ctarget-feature=+crt-static
    flag -Crelocation-model=pie
    flag -Cforce-unwind-tables=no # the tables would be a tenth of the program, and are never used, since a panic aborts
    case $target in
    "$musl") has_standard_library "$musl" || has_parts_of_debian || die "no standard library for $musl: \`rustup target add $musl\`, or Debian's parts, which docs/platforms.md names" ;;
    *-musl) ;;
    "$host")
        if has_standard_library "$musl" || has_parts_of_debian; then
            target=$musl
        else
            say "built for the GNU libc, which makes each start slower. For musl: rustup target add $musl"
        fi
        ;;
    esac
    choose_compiler
    if ! has_standard_library "$target"; then
        build_with_debian
    else
        # Rust links a static-pie with musl on x86_64 only. For other machines this script sets the linker's flags.
        case $target in
        x86_64-* | *-gnu | "$host") ;;
        *) link_with_musl "$(rustc --print sysroot)/lib/rustlib/$target/lib/self-contained" ;;
        esac
        build
    fi
}

build_for_windows() {
    flag -Clink-arg=-Wl,--no-insert-timestamp
    if has_standard_library "$target"; then
        build
    elif has_source_of_debian; then
        build_along
    else
        die "no standard library for $target: \`rustup target add $target\`, or Debian's rustc-web, cargo-web, rust-web-src and gcc-mingw-w64-x86-64"
    fi
}

# build [ARGUMENT]...: builds the program and sets `program` to its path. With `--target`, cargo does not apply the
# flags to procedural macros.
build() {
    cargo=${cargo:-cargo}
    hide_paths
    set -- build --release --locked --bin docker-credential-ensign --message-format=json-render-diagnostics --target "$target" "$@"
    PATH=$PATH:$cargo_home/bin
    if [ -n "${NO_AUDITABLE:-}" ] || ! command -v cargo-auditable >/dev/null; then
        say "$target, without the list of its crates, which \`cargo install cargo-auditable\` would add"
        messages=$("$cargo" "$@")
    else
        say "$target, with the list of its crates"
        # Cargo hashes this wrapper's name into the program. cargo-auditable would set its own path here, which differs
        # between machines.
        messages=$(CARGO="env" cargo-auditable auditable -u CARGO RUSTC_WORKSPACE_WRAPPER=cargo-auditable "$cargo" "$@")
    fi
    program=$(printf '%s\n' "$messages" | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
}

# Removes the paths of this machine from panic messages. Cargo does not hash these flags into the program.
hide_paths() {
    cargo_home=${CARGO_HOME:-$HOME/.cargo}
    "${RUSTC:-rustc}" -vV >/dev/null # fails here if the toolchain is missing
    commit=$("${RUSTC:-rustc}" -vV | sed -n 's/^commit-hash: //p')
    flag "--remap-path-prefix=$cargo_home=/cargo"
    flag "--remap-path-prefix=$PWD=/ensign"
    [ -z "${CARGO_TARGET_DIR:-}" ] || flag "--remap-path-prefix=$CARGO_TARGET_DIR=/ensign/target"
    flag "--remap-path-prefix=$("${RUSTC:-rustc}" --print sysroot)/lib/rustlib/src/rust=/rustc/$commit"
}

has_standard_library() {
    [ -n "$(find "$(rustc --print sysroot)/lib/rustlib/$1/lib" -name 'libstd-*.rlib' 2>/dev/null)" ]
}

# Tells whether Debian's packages for musl are installed. Debian has no Rust standard library for musl, but everything
# to build it: rustc-web, cargo-web, rust-web-src, musl-tools, and LLVM's libunwind, such as libunwind-14-dev. Linking
# libgcc_eh in place of libunwind succeeds, but the program then crashes when it makes a backtrace.
has_parts_of_debian() {
    libunwind=$crt/libunwind.a
    if [ ! -e "$libunwind" ] && [ "$arch" = "${host%%-*}" ]; then
        libunwind=$(find /usr/lib/llvm-*/lib -name libunwind.a 2>/dev/null | sort -V | tail -n 1)
    fi
    [ -e "$libunwind" ] && [ -e "$crt/rcrt1.o" ] && command -v "$compiler" >/dev/null && has_source_of_debian
}

has_source_of_debian() {
    needed=$(sed -n 's/^rust-version = "1\.\([0-9]*\).*/\1/p' Cargo.toml)
    for tool in rustc cargo; do
        found=$("/usr/bin/$tool" --version 2>/dev/null | sed -n "s/^$tool 1\.\([0-9]*\).*/\1/p")
        [ "${found:-0}" -ge "$needed" ] || return 1
    done
    [ -d /usr/lib/rustlib/src/rust/library/vendor ]
}

build_with_debian() {
    folder=${CARGO_TARGET_DIR:-$PWD/target}/libunwind-$arch # a folder that contains no other library of LLVM
    mkdir -p "$folder"
    cp "$libunwind" "$folder/"
    flag "-Lnative=$folder"
    link_with_musl "$crt"
    # Compact relocations make the relocation table seven times smaller. Only musl 1.2.4 and newer versions can read
    # them.
    case $arch$(ar p "$crt/libc.a" version.lo | tr -cd '0-9.\n') in
    *1.2.[0-3]*) ;;
    x86_64*1.*) flag -Clink-arg=-Wl,-z,pack-relative-relocs ;;
    esac
    build_along
}

# link_with_musl FOLDER: links with gcc, because musl-gcc makes a dynamic PIE where a static-pie is requested.
link_with_musl() {
    set_for_target CARGO_TARGET LINKER "$compiler"
    flag -Clink-self-contained=no
    flag "-Lnative=$1"
    flag -Clink-arg=-nostartfiles
    for object in rcrt1.o crti.o crtn.o; do flag "-Clink-arg=$1/$object"; done
    flag -Clink-arg=-l:libc.a # by name: -lc could find musl's libc.so; at the end, for the libraries before it
    [ "$arch" = x86_64 ] || flag -Clink-arg=-Wl,-pie,--no-dynamic-linker,-z,text
}

# Builds the standard library together with the program, with Debian's toolchain.
build_along() {
    say "Debian's toolchain builds the standard library too"
    export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
    cargo=/usr/bin/cargo
    build -Zbuild-std=std,panic_abort
}

# Any compiler works for the C code of `ring`, which calls no libc. `-U_FORTIFY_SOURCE` turns off a hardened compiler's
# checks, because only glibc has their functions.
choose_compiler() {
    chosen=$compiler
    [ "$arch" != "${host%%-*}" ] || chosen=$(command -v musl-gcc) || chosen=$compiler
    name=$(printf %s "$target" | tr - _)
    export "CC_$name=$chosen" "CFLAGS_$name=-U_FORTIFY_SOURCE"
}

# set_for_target PREFIX SUFFIX VALUE: sets cargo's variable for the target.
set_for_target() {
    export "$1_$(printf %s "$target" | tr a-z- A-Z_)_$2=$3"
}

# flag FLAG: adds a flag for rustc. The separator cannot occur in a path.
flag() {
    export CARGO_ENCODED_RUSTFLAGS="${CARGO_ENCODED_RUSTFLAGS:+$CARGO_ENCODED_RUSTFLAGS$(printf '\037')}$1"
}

# Checks that the program is a static-pie, because some linkers make another kind of program without a warning.
check() {
    headers=$(readelf -hlWd "$1") || die 'readelf, which checks the program, is missing: install binutils'
    case $headers in *DYN\ *) ;; *) die "\`$1\` has a fixed address" ;; esac
    case $headers in *INTERP* | *'(NEEDED)'*) die "\`$1\` is not static" ;; esac
    case $headers in *TEXTREL*) die "\`$1\` rewrites its own code when it starts" ;; esac
}

say() {
    printf 'build.sh: %s\n' "$1" >&2
}

die() {
    say "$1"
    exit 1
}

main "$@"
