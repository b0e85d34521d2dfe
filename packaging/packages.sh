#!/bin/sh
# Makes the packages of a release and the manifests of package managers. The same release gives the same bytes.
#
# usage: packaging/packages.sh FOLDER RELEASE [KIND]...
#        packaging/packages.sh FOLDER TARGET=PROGRAM... [KIND]...
#        packaging/packages.sh --sign FOLDER
#   FOLDER             the folder for the packages; it must be empty
#   RELEASE            the folder of a release, as packaging/release.sh makes it
#   TARGET=PROGRAM     programs that are already built, instead of a release
#   KIND               deb, rpm, image, manifests; by default all four
#   ENSIGN=PROGRAM     a program that writes manual pages and completions; needed if no program of the release runs here
#   --sign FOLDER      check the sums of packages that were made without a key, then sign the sums
#   CA_BUNDLE=FILE     the certificates of the image; by default this machine's
#   MINISIGN_KEY=FILE  minisign's secret key, which signs the sums; without it they are not signed
#
# docs/packagers.md says what a package contains and why. packaging/release.facts contains the texts about Ensign.
set -eu

LINUX='x86_64-unknown-linux-musl aarch64-unknown-linux-musl'
WINDOWS=x86_64-pc-windows-gnu
MACOS='x86_64-apple-darwin aarch64-apple-darwin'

main() {
    [ $# -gt 1 ] || die 'name a folder and a release: packaging/packages.sh FOLDER RELEASE [KIND]...'
    root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
    if [ "$1" = --sign ]; then
        sign_made "$2"
        return
    fi
    parts=$root/packaging/packages
    # shellcheck source=packages/texts.sh
    . "$parts/texts.sh"
    # shellcheck source=packages/tree.sh
    . "$parts/tree.sh"
    # shellcheck source=packages/deb.sh
    . "$parts/deb.sh"
    # shellcheck source=packages/rpm.sh
    . "$parts/rpm.sh"
    # shellcheck source=packages/image.sh
    . "$parts/image.sh"
    # shellcheck source=packages/manifests.sh
    . "$parts/manifests.sh"
    mkdir -p -- "$1"
    folder=$(CDPATH='' cd -- "$1" && pwd)
    [ -z "$(ls -A "$folder")" ] || die "\`$folder\` is not empty: choose another folder"
    stage=$(mktemp -d)
    trap 'rm -rf "$stage"' EXIT
    trap 'exit 130' HUP INT TERM
    shift
    read_arguments "$@"
    unpack
    write_texts
    for kind in $kinds; do "make_$kind"; done
    sum
    (cd "$folder" && find . -type f ! -path './image/blobs/*' | cut -c 3- | LC_ALL=C sort)
}

read_arguments() {
    kinds='' release='' programs=0
    for word; do
        case $word in
        deb | rpm | image | manifests) kinds="$kinds $word" ;;
        *=*) programs=$((programs + 1)) ;;
        *)
            [ -z "$release" ] || die "\`$word\` is neither a kind of package nor TARGET=PROGRAM"
            [ -f "$word/SHA256SUMS" ] || die "\`$word\` is not a release: it has no SHA256SUMS"
            release=$(CDPATH='' cd -- "$word" && pwd)
            ;;
        esac
    done
    kinds=${kinds:-deb rpm image manifests}
    if [ -n "$release" ]; then
        [ $programs = 0 ] || die 'give a release or programs, not both'
        return
    fi
    release=$stage/release
    for word; do
        shift
        case $word in *=*) set -- "$@" "$word" ;; esac
    done
    "$root/packaging/release.sh" "$release" "$@" >/dev/null 2>"$stage/said" || die "$(cat "$stage/said")"
}

# Unpacks each target of the release into $stage/TARGET. Sets `version`, `date` and `targets`.
unpack() {
    (cd "$release" && sha256sum --check --quiet --strict SHA256SUMS) >&2 || die "\`$release\` is damaged: its sums do not match"
    version='' targets=''
    for archive in "$release"/ensign-*.tar.gz; do
        name=$(basename "$archive" .tar.gz)
        target=${name#ensign-*-}
        found=${name#ensign-} found=${found%-"$target"}
        case $target in x86_64-* | aarch64-*) ;; *) die "\`$archive\` is not named ensign-VERSION-TARGET.tar.gz" ;; esac
        [ "${version:-$found}" = "$found" ] || die "\`$release\` has two versions, $version and $found"
        grep -q "^[0-9a-f]\{64\}  $name.tar.gz\$" "$release/SHA256SUMS" || die "SHA256SUMS has no line for \`$name.tar.gz\`"
        version=$found targets="$targets $target"
        tar -xzf "$archive" -C "$stage"
        mv -- "$stage/$name" "$stage/$target"
    done
    case $version in
    '' | *[!0-9.]*) die "version \`$version\` cannot be packaged: only releases like 1.2.3 can, in the words of all package managers" ;;
    esac
    date=$(stat -c %Y "$stage/$target/README.md")
    package=$(fact PACKAGE)
    export SOURCE_DATE_EPOCH="$date" LC_ALL=C TZ=UTC
}

fact() {
    value=$(sed -n "s/^$1=//p" "$root/packaging/release.facts")
    [ -n "$value" ] || die "packaging/release.facts has no $1"
    printf %s "$value"
}

# fill TEMPLATE [NAME=VALUE]...: prints the template and replaces each @NAME@, with a VALUE, a fact, or data of the
# release.
fill() {
    cp -- "$parts/templates/$1" "$stage/filled"
    shift
    for pair in "$@" VERSION="$version" DAY="$(date -u -d "@$date" +%Y-%m-%d)" \
        LONG="$(fact DESCRIPTION | fold -s -w 78 | sed 's/ *$//')"; do
        substitute "${pair%%=*}" "${pair#*=}"
    done
    for name in $(grep -o '@[A-Z_]*@' "$stage/filled" | tr -d @ | sort -u); do substitute "$name" "$(fact "$name")"; done
    cat "$stage/filled"
}

substitute() {
    sed -i "s|@$1@|$(printf %s "$2" | sed -e 's/[\\&|]/\\&/g' -e '$!s/$/\\/')|g" "$stage/filled"
}

sum_of() { # TARGET
    sed -n "s/  ensign-$version-$1.tar.gz\$//p" "$release/SHA256SUMS"
}

has() { # TARGET
    [ -d "$stage/$1" ]
}

# Writes the checksums of the packages and signs them, if there is a key. The signed comment differs from a release's,
# so that these checksums cannot replace those of a release.
sum() {
    files=$(cd "$folder" && find . -maxdepth 1 -type f | cut -c 3- | sort)
    [ -n "$files" ] || return 0
    (cd "$folder" && printf '%s\n' "$files" | xargs sha256sum -- >PACKAGES_SHA256SUMS)
    [ -z "${MINISIGN_KEY:-}" ] || sign
}

sign_made() {
    [ -n "${MINISIGN_KEY:-}" ] || die 'name the secret key: MINISIGN_KEY=FILE packaging/packages.sh --sign FOLDER'
    [ -f "$1/PACKAGES_SHA256SUMS" ] || die "\`$1\` has no packages: there is no PACKAGES_SHA256SUMS"
    folder=$(CDPATH='' cd -- "$1" && pwd)
    (cd "$folder" && sha256sum --check --quiet --strict PACKAGES_SHA256SUMS) >&2 || die "\`$1\` is damaged: its sums do not match"
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
    strange=$(sed 's/^[0-9a-f]*  //' "$folder/PACKAGES_SHA256SUMS" | grep -v "[-_]${version}[-_]") || :
    [ -z "$strange" ] || die "\`$(printf '%s\n' "$strange" | head -n 1)\` is not of version $version"
    sign
}

sign() {
    minisign -S -s "$MINISIGN_KEY" -m "$folder/PACKAGES_SHA256SUMS" -x "$folder/PACKAGES_SHA256SUMS.minisig" \
        -t "packages of ensign $version" -c "signature of the packages of ensign $version" >/dev/null || die 'minisign did not sign'
}

need() { # PROGRAM PACKAGE
    command -v "$1" >/dev/null || die "\`$1\` is missing: install Debian's \`$2\`, or name the kinds of package that you want"
}

say() {
    printf 'packages.sh: %s\n' "$1" >&2
}

die() {
    say "$1"
    exit 1
}

main "$@"
