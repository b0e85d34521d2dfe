#!/bin/sh
# Packs built programs into a release: archives, a list of crates, checksums and a signature. The same programs give the
# same bytes.
#
# usage: packaging/release.sh FOLDER [TARGET=PROGRAM]...
#        packaging/release.sh --sign FOLDER
#   TARGET=PROGRAM     the built program of a target; by default packaging/build.sh builds this machine's
#   --sign FOLDER      check the sums of a release that was packed without a key, then sign the sums
#   MINISIGN_KEY=FILE  minisign's secret key, which signs the release; without it the release is not signed
#   LICENCES=FILE      the output of packaging/licences.sh; by default the script runs it
#   SOURCE_DATE_EPOCH  the date of all files; by default that of the last commit
#
# RELEASE.md describes the files of a release, for programs that read them.
set -eu

main() {
    [ $# -gt 0 ] || die 'name the folder of the release: packaging/release.sh FOLDER [TARGET=PROGRAM]...'
    root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
    if [ "$1" = --sign ]; then
        sign_packed "${2:-}"
        return
    fi
    mkdir -p -- "$1"
    folder=$(CDPATH='' cd -- "$1" && pwd)
    shift
    [ -z "$(ls -A "$folder")" ] || die "\`$folder\` is not empty: choose another folder"
    date=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct)}
    stage=$(mktemp -d)
    trap 'rm -rf "$stage"' EXIT
    trap 'exit 130' HUP INT TERM

    licences=${LICENCES:-$stage/licences}
    [ -n "${LICENCES:-}" ] || "$root/packaging/licences.sh" >"$licences" || die 'without the licences of the crates there is no release'
    [ $# -gt 0 ] || built
    for pair; do pack "${pair%%=*}" "${pair#*=}"; done
    list_crates
    cp -- "$root/install.sh" "$root/install.ps1" "$folder/"
    (cd "$folder" && LC_ALL=C && export LC_ALL && sha256sum -- ensign-* install.* >SHA256SUMS)
    if [ -n "${MINISIGN_KEY:-}" ]; then sign; else say 'not signed, since MINISIGN_KEY names no key'; fi
    ls "$folder"
}

sign_packed() {
    [ -n "${MINISIGN_KEY:-}" ] || die 'name the secret key: MINISIGN_KEY=FILE packaging/release.sh --sign FOLDER'
    [ -f "$1/SHA256SUMS" ] || die "\`$1\` is not a release: it has no SHA256SUMS"
    folder=$(CDPATH='' cd -- "$1" && pwd)
    (cd "$folder" && sha256sum --check --quiet --strict SHA256SUMS) >&2 || die "\`$1\` is damaged: its sums do not match"
    # Refuses files of another version, because the signed comment names this version.
    strange=$(sed 's/^[0-9a-f]*  //' "$folder/SHA256SUMS" | grep -v -e "^ensign-${version}[-.]" -e '^install\.sh$' -e '^install\.ps1$') || :
    [ -z "$strange" ] || die "\`$(printf '%s\n' "$strange" | head -n 1)\` is not of version $version"
    sign
}

# Builds and packs this machine's program. The path of the program contains the target.
built() {
    program=$("$root/packaging/build.sh")
    target=$(basename "$(dirname "$(dirname "$program")")")
    [ "$target" != target ] || target=$(rustc -vV | sed -n 's/^host: //p')
    pack "$target" "$program"
}

# pack TARGET PROGRAM
pack() {
    [ -f "$2" ] || die "\`$2\` is not a program: give each as TARGET=PROGRAM"
    name=ensign-$version-$1
    mkdir "$stage/$name"
    case $1 in *-windows-*) ending=.exe ;; *) ending= ;; esac
    cp -- "$2" "$stage/$name/docker-credential-ensign$ending"
    cp -- "$root/README.md" "$root/CHANGELOG.md" "$root/LICENSE-MIT" "$root/LICENSE-APACHE" "$stage/$name/"
    cp -- "$licences" "$stage/$name/LICENSE-THIRD-PARTY"
    chmod 644 "$stage/$name"/*
    chmod 755 "$stage/$name" "$stage/$name/docker-credential-ensign$ending"
    tar --create --format=ustar --sort=name --mtime="@$date" --owner=0 --group=0 --numeric-owner \
        --directory "$stage" -- "$name" | gzip -9 --no-name >"$folder/$name.tar.gz"
}

# Writes the list of all programs' crates as CycloneDX. cargo-cyclonedx writes the list beside Cargo.toml and puts the
# folder's path into the list.
list_crates() {
    if ! command -v cargo-cyclonedx >/dev/null && [ ! -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo-cyclonedx" ]; then
        say "without a list of crates, which \`cargo install cargo-cyclonedx\` would add"
        return
    fi
    mkdir -p "$stage/source/src"
    cp -- "$root/Cargo.toml" "$root/Cargo.lock" "$stage/source/"
    : >"$stage/source/src/lib.rs"
    : >"$stage/source/src/main.rs"
    SOURCE_DATE_EPOCH=$date cargo cyclonedx --quiet --manifest-path "$stage/source/Cargo.toml" --format json --spec-version 1.5 \
        --target all --override-filename list >&2 || die 'cargo-cyclonedx made no list of crates'
    sed "s|path+file://$stage/source#|path+file:///ensign#|g" "$stage/source/list.json" >"$folder/ensign-$version.cdx.json"
}

# Signs the checksums. The signed comment names the version, so that nobody can offer an old release as a new one.
sign() {
    minisign -S -s "$MINISIGN_KEY" -m "$folder/SHA256SUMS" -x "$folder/SHA256SUMS.minisig" -t "ensign $version" \
        -c "signature of ensign $version" >/dev/null || die 'minisign did not sign'
}

say() {
    printf 'release.sh: %s\n' "$1" >&2
}

die() {
    say "$1"
    exit 1
}

main "$@"
