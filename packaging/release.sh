#!/bin/sh
# Packs built programs into a release: archives, checksums, a signature. The same programs give the same bytes.
#
# usage: packaging/release.sh FOLDER [TARGET=PROGRAM]...
#   TARGET=PROGRAM     the program of a target, already built; without any, packaging/build.sh builds this machine's
#   MINISIGN_KEY=FILE  the secret key of minisign that signs; without it the release is not signed
#   SOURCE_DATE_EPOCH  the date of all files; else that of the last commit
#
# RELEASE.md says what a release is made of, for those who read one.
set -eu

main() {
    [ $# -gt 0 ] || die 'name the folder of the release: packaging/release.sh FOLDER [TARGET=PROGRAM]...'
    root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
    mkdir -p -- "$1"
    folder=$(CDPATH='' cd -- "$1" && pwd)
    shift
    [ -z "$(ls -A "$folder")" ] || die "\`$folder\` is not empty: choose another folder"
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
    date=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct)}
    stage=$(mktemp -d)
    trap 'rm -rf "$stage"' EXIT
    trap 'exit 130' HUP INT TERM

    [ $# -gt 0 ] || built
    for pair; do pack "${pair%%=*}" "${pair#*=}"; done
    (cd "$folder" && LC_ALL=C && export LC_ALL && sha256sum -- *.tar.gz >SHA256SUMS)
    sign
    cp -- "$root/install.sh" "$root/install.ps1" "$folder/"
    ls "$folder"
}

# This machine's program, with the target that it was built for in its path.
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
    chmod 644 "$stage/$name"/*
    chmod 755 "$stage/$name" "$stage/$name/docker-credential-ensign$ending"
    tar --create --format=ustar --sort=name --mtime="@$date" --owner=0 --group=0 --numeric-owner \
        --directory "$stage" -- "$name" | gzip -9 --no-name >"$folder/$name.tar.gz"
}

# The signed comment names the version, so that an old release cannot pass for a new one.
sign() {
    if [ -z "${MINISIGN_KEY:-}" ]; then
        printf 'release.sh: not signed, since MINISIGN_KEY names no key\n' >&2
        return
    fi
    minisign -S -s "$MINISIGN_KEY" -m "$folder/SHA256SUMS" -x "$folder/SHA256SUMS.minisig" -t "ensign $version" \
        -c "signature of ensign $version" >/dev/null || die 'minisign did not sign'
}

die() {
    printf 'release.sh: %s\n' "$1" >&2
    exit 1
}

main "$@"
