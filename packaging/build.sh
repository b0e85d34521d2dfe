#!/bin/sh
# Builds the release program and prints its path. For Linux it is a static-pie, which runs on any distribution and gets a
# random address from the kernel, and it has musl where that can be had: its start asks less of the machine than glibc's.
#
# usage: packaging/build.sh
#   MUSL=DIR  a folder with musl's rcrt1.o and libc.a, in place of Debian's /usr/lib/ARCH-linux-musl
set -eu

main() {
    cd "$(dirname "$0")/.."
    # They would take the place of ours.
    unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
    host=$(rustc -vV | sed -n 's/^host: //p')
    arch=${host%%-*}
    musl=$arch-unknown-linux-musl
    crt=${MUSL:-/usr/lib/$arch-linux-musl}
    case $host in
    *-linux-gnu)
        if has_standard_library "$musl"; then
            choose_compiler cc
            build_static "$musl"
        elif has_parts_of_debian; then
            build_with_debian
        else
            say "built for the GNU libc, which makes each start slower. For musl: rustup target add $musl"
            build_static "$host"
        fi
        check "$program"
        ;;
    *-linux-*)
        build_static "$host"
        check "$program"
        ;;
    *) build cargo ;;
    esac
    printf '%s\n' "$program"
}

# build CARGO ARGUMENT...: sets `program`
build() {
    cargo=$1
    shift
    messages=$("$cargo" build --release --locked --bin docker-credential-ensign --message-format=json-render-diagnostics "$@")
    program=$(printf '%s\n' "$messages" | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
}

# Naming the target keeps the flags away from procedural macros, which cannot be linked so.
build_static() {
    build cargo --target "$1" --config "target.$1.rustflags=['-Ctarget-feature=+crt-static','-Crelocation-model=pie']"
}

has_standard_library() {
    [ -n "$(find "$(rustc --print sysroot)/lib/rustlib/$1/lib" -name 'libstd-*.rlib' 2>/dev/null)" ]
}

# Debian has no standard library for musl, but all that makes one: rustc-web, cargo-web, rust-web-src, musl-tools, and
# LLVM's libunwind, such as libunwind-14-dev. libgcc_eh in its place links too, and crashes where a backtrace is taken.
has_parts_of_debian() {
    libunwind=$(find /usr/lib/llvm-*/lib -name libunwind.a 2>/dev/null | sort -V | tail -n 1)
    [ -n "$libunwind" ] && [ -e "$crt/rcrt1.o" ] && command -v musl-gcc >/dev/null && is_new_enough &&
        [ -d /usr/lib/rustlib/src/rust/library/vendor ]
}

is_new_enough() {
    needed=$(sed -n 's/^rust-version = "1\.\([0-9]*\).*/\1/p' Cargo.toml)
    for tool in rustc cargo; do
        found=$("/usr/bin/$tool" --version 2>/dev/null | sed -n "s/^$tool 1\.\([0-9]*\).*/\1/p")
        [ "${found:-0}" -ge "$needed" ] || return 1
    done
}

# gcc links, and not musl-gcc, which makes a dynamic PIE where a static-pie is asked for.
build_with_debian() {
    folder=${CARGO_TARGET_DIR:-$PWD/target}/libunwind # with nothing else of LLVM's
    mkdir -p "$folder"
    cp "$libunwind" "$folder/"
    choose_compiler gcc
    flags="'-Ctarget-feature=+crt-static','-Crelocation-model=pie','-Clink-self-contained=no'"
    flags="$flags,'-Lnative=$folder','-Lnative=$crt','-Clink-arg=-nostartfiles'"
    flags="$flags,'-Zpre-link-args=$crt/rcrt1.o $crt/crti.o','-Clink-arg=$crt/crtn.o'"
    # A seventh of the table of addresses that the start works through; musl reads this form since 1.2.4.
    case $(ar p "$crt/libc.a" version.lo | tr -cd '0-9.\n') in
    *1.2.[0-3]*) ;;
    *1.*) flags="$flags,'-Clink-arg=-Wl,-z,pack-relative-relocs'" ;;
    esac
    export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
    build /usr/bin/cargo --target "$musl" -Zbuild-std=std,panic_abort \
        --config "target.$musl.linker='gcc'" --config "target.$musl.rustflags=[$flags]"
}

# choose_compiler OTHER: the C code of `ring` needs no libc, so any compiler will do.
choose_compiler() {
    compiler=$(command -v musl-gcc) || compiler=$1
    export "CC_$(printf %s "$musl" | tr - _)=$compiler"
}

# Linkers make another kind of program without a word.
check() {
    headers=$(readelf -hlWd "$1") || die 'readelf, which looks at the result, is missing: install binutils'
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
