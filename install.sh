#!/bin/sh
# Installs Ensign for one user, from a verified release or from a checkout, and proves that it tells accounts apart.
{ # A shell runs nothing before it has read the closing brace, so half a download does nothing.
[ -z "${ZSH_VERSION:-}" ] || emulate sh # else zsh splits no words, and a pattern without a match is an error
set -eu

PROGRAM=docker-credential-ensign
LINKS='ensign docker-ensign docker-credential-atcr'
RECORD=lib/ensign/installed-from # where the program came from; `update` reads it here, relative to the program's folder
TEXTS=lib/ensign/installed-texts # the installed completions and manual pages, as names below share/
PACKAGE=lib/ensign/installed-by  # present if a package manager installed the program
MADE=lib/ensign/installed-folders # the folders that this script made

# The folders for the installed files, each before the folder that contains it. `/` is the prefix itself.
FOLDERS='share/man/man1 share/man/man7 share/man share/bash-completion/completions share/bash-completion
share/fish/vendor_completions.d share/fish share/zsh/site-functions share/zsh share lib/ensign lib bin /'

# Copies of values in packaging/release.facts; a test compares them.
RELEASES=https://forge.example/ensign/ensign/releases
PUBLIC_KEY=
REPOSITORY=https://forge.example/ensign/ensign

usage() {
    cat <<'END'
Installs the Docker credential helper Ensign for you alone, without root.

usage: install.sh [--release | --from-source] [--version VERSION] [--prefix DIR]
       install.sh --program PATH [--prefix DIR]
       install.sh --uninstall [--prefix DIR]
       curl -fsSL ADDRESS/install.sh | sh -s -- [OPTION]...

  --release          install a release and verify its signature (the default outside a checkout)
  --from-source      build the checkout that contains this script (the default there)
  --version VERSION  this release instead of the newest
  --prefix DIR       install to DIR/bin instead of ~/.local/bin
  --program PATH     install this program, already built
  --uninstall        remove Ensign, but keep your accounts
  -h, --help         this help
END
}

main() {
    prefix='' program='' version='' way='' task=install help="$0 --help"
    find_checkout
    [ "${0##*/}" = install.sh ] || help='sh -s -- --help'
    while [ $# -gt 0 ]; do
        case $1 in
        --prefix=* | --program=* | --version=*) set_option "${1%%=*}" "${1#*=}" ;;
        --prefix | --program | --version)
            [ $# -gt 1 ] || die "\`$1\` needs a value: see \`$help\`"
            set_option "$1" "$2"
            shift
            ;;
        --release) way=release ;;
        --from-source) way=source ;;
        --uninstall) task=uninstall ;;
        -h | --help) usage && exit ;;
        *) die "\`$1\` is not an option of this script: see \`$help\`" ;;
        esac
        shift
    done
    choose_way
    [ -n "$prefix" ] || [ -n "${HOME:-}" ] || die "HOME is not set: set it, or choose a folder with \`--prefix DIR\`"
    bin=${prefix:-$HOME/.local}/bin
    docker_config=${DOCKER_CONFIG:-${HOME:+$HOME/.docker}}
    plugin=${docker_config:+$docker_config/cli-plugins/docker-ensign}
    "$task"
}

set_option() {
    [ -n "$2" ] || die "\`$1\` needs a value: see \`$help\`"
    case $2 in
    /*) absolute=$2 ;;
    *) absolute=$PWD/$2 ;;
    esac
    case $1 in
    --prefix)
        prefix=$absolute
        case $prefix in *:*) die "\`$prefix\` contains a colon, so PATH cannot contain this folder: choose another one" ;; esac
        ;;
    --program) program=$absolute ;;
    --version)
        version=${2#v}
        case $version in '' | [!0-9]* | *[!0-9A-Za-z.-]*) die "\`$2\` is not a version: name one such as 0.2.0" ;; esac
        ;;
    esac
}

# Spells the program's folder without `..` and double slashes, because links and PATH are compared as texts.
spell_folder() {
    absolute=$(CDPATH='' cd -- "$bin" && pwd) && bin=$absolute
}

# Finds the checkout that contains this script. By default, Ensign is built from this checkout. A script that is piped
# into a shell is not a file, so it has no checkout and the current folder does not matter.
find_checkout() {
    checkout=''
    [ "${0##*/}" = install.sh ] && [ -f "$0" ] || return 0
    root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || return 0
    ! grep -qs "^name = \"$PROGRAM\"" "$root/Cargo.toml" || checkout=$root
}

choose_way() {
    if [ -n "$program" ]; then
        [ -z "$way$version" ] || die "\`--program\` cannot be combined with \`--release\`, \`--from-source\` or \`--version\`"
        way=program
    elif [ -n "$version" ]; then
        [ "$way" != source ] || die "\`--version\` is for releases: check that version out and leave \`--version\` out"
        way=release
    elif [ -z "$way" ]; then
        if [ -n "$checkout" ]; then way=source; else way=release; fi
    fi
}

install() {
    refuse_package
    case $way in
    source) build ;;
    release) prepare_release ;;
    esac
    if [ "$way" != release ] && { [ ! -f "$program" ] || [ ! -x "$program" ]; }; then die "\`$program\` is not a program"; fi
    if [ -L "$bin/$PROGRAM" ] || [ -d "$bin/$PROGRAM" ]; then
        die "\`$bin/$PROGRAM\` is not a file of this script: remove it, or choose another folder with \`--prefix DIR\`"
    fi
    # Removes what installations left that were killed more than a day ago.
    find "$bin"/.ensign-install.?????? -prune -mtime +0 -exec rm -rf -- {} + 2>/dev/null || :
    made=' ' stage=''
    for folder in $FOLDERS; do [ -d "${bin%/bin}/$folder" ] || made="$made$folder "; done
    trap '[ -z "$stage" ] || rm -rf -- "$stage"; remove_made_folders' EXIT
    trap 'exit 130' HUP INT TERM PIPE
    if ! mkdir -p -- "$bin" || ! spell_folder || ! stage=$(mktemp -d "$bin/.ensign-install.XXXXXX"); then
        die "cannot write to \`$bin\`: choose another folder with \`--prefix DIR\`"
    fi
    [ "$way" != release ] || fetch_release
    cp -- "$program" "$stage/$PROGRAM" ||
        die "could not copy the program to \`$bin\`: is there room for it?"
    chmod 755 "$stage/$PROGRAM"
    # Tests the new program before it replaces anything, so that a failed upgrade keeps the old program.
    proof=$(prove) || die "$proof"
    mv -f -- "$stage/$PROGRAM" "$bin/$PROGRAM" # atomic within one folder: a running helper is not disturbed
    note_made_folders

    say "Installed $(shown "$bin/$PROGRAM")"
    for name in $LINKS; do link "$PROGRAM" "$bin/$name"; done
    record
    install_texts
    # Docker finds a plugin without configuration in this folder only.
    [ ! -d "${plugin%/*}" ] || link "$bin/$PROGRAM" "$plugin"
    say_path
    say '' 'It works. In a throw-away home with two accounts on ghcr.io:' "$proof"
    typed=$PROGRAM
    ! is_link "$PROGRAM" "$bin/ensign" || typed=ensign
    say '' 'Next:' \
        "  $typed login ghcr.io        add an account" \
        "  $typed configure-docker     let Docker ask Ensign"
}

build() {
    [ -n "$checkout" ] || die "there is no checkout to build from here. Make one:
  git clone $REPOSITORY && ${REPOSITORY##*/}/install.sh"
    find_rust
    needed=$(sed -n 's/^rust-version = "\([0-9.]*\)".*/\1/p' "$checkout/Cargo.toml")
    found=$(cargo --version 2>/dev/null | sed 's/^cargo \([0-9]*\.[0-9]*\).*/\1/') || found=
    [ -n "$found" ] || die "Rust is missing. Install it, then run this script again:
  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
    if [ "${found%%.*}" -lt "${needed%%.*}" ] ||
        { [ "${found%%.*}" -eq "${needed%%.*}" ] && [ "$(minor "$found")" -lt "$(minor "$needed")" ]; }; then
        die "Rust $found is too old, Ensign needs $needed. Renew it with \`rustup update stable\`, then run this script
again. (A distribution's Rust has no rustup: see https://rustup.rs)"
    fi
    say 'Building Ensign, which takes a minute or two ...'
    program=$("$checkout/packaging/build.sh" | tail -n 1)
    [ -n "$program" ] || die 'the build failed, for the reason above. If it is the linker, install a C compiler and the static C library:
  Debian, Ubuntu: apt install gcc libc6-dev      Fedora: dnf install gcc glibc-static      Alpine: apk add gcc musl-dev'
}

# Fails before it changes anything if this machine cannot install a release.
prepare_release() {
    [ -n "$PUBLIC_KEY" ] || die "there is no signed release of Ensign yet; nothing was changed. Build it from source:
  git clone $REPOSITORY && ${REPOSITORY##*/}/install.sh"
    case $(uname -s).$(uname -m) in
    Linux.x86_64 | Linux.amd64) target=x86_64-unknown-linux-musl ;;
    Linux.aarch64 | Linux.arm64) target=aarch64-unknown-linux-musl ;;
    Darwin.x86_64) target=x86_64-apple-darwin ;;
    Darwin.arm64) target=aarch64-apple-darwin ;;
    *) die "there is no release for $(uname -s) on $(uname -m); nothing was changed. Build it from source:
  git clone $REPOSITORY && ${REPOSITORY##*/}/install.sh" ;;
    esac
    has curl || has wget || die 'curl or wget is needed to fetch a release; nothing was changed. Install one, then try again.'
    has sha256sum || has shasum || has openssl || die 'sha256sum, shasum or openssl is needed to verify a release; nothing was changed. Install one, then try again.'
    for tool in awk gzip mktemp tar; do
        has $tool || die "$tool is needed to install a release; nothing was changed. Install it, then try again."
    done
    has minisign || verifies_by_openssl || die 'minisign or OpenSSL 3 is needed to verify a release; nothing was changed. Install one, then try again:
  Debian, Ubuntu: apt install minisign      macOS: brew install minisign      Fedora: dnf install minisign'
}

has() {
    command -v "$1" >/dev/null 2>&1
}

verifies_by_openssl() {
    case $(openssl version 2>/dev/null) in
    'OpenSSL '[3-9]*) ;;
    *) return 1 ;;
    esac
}

# Downloads a release's program into the stage folder. The signature is verified before any other file is used.
fetch_release() {
    folder=$RELEASES/latest/download
    [ -z "$version" ] || folder=$RELEASES/download/v$version
    fetch "$folder" SHA256SUMS.minisig 65536
    fetch "$folder" SHA256SUMS 65536
    verify || exit 1
    comment=$(sed -n '3s/^trusted comment: //p' "$stage/SHA256SUMS.minisig")
    case $comment in
    'ensign '[0-9]*) found=${comment#ensign } ;;
    *) found='' ;;
    esac
    case $found in
    '' | *[!0-9A-Za-z.-]*) tampered "the signature is for \`$comment\`, which is not a version" ;;
    esac
    case $version$found in
    *-*) [ -n "$version" ] || die "the newest release, $found, is a pre-release; nothing was changed.
To take it:  --version $found" ;;
    esac
    [ -z "$version" ] || [ "$version" = "$found" ] || tampered "the signature is for version $found, but $version was requested"
    refuse_older
    name=ensign-$found-$target
    archive=$name.tar.gz
    sum=$(awk -v name="$archive" '$2 == name { print $1 }' "$stage/SHA256SUMS")
    [ -n "$sum" ] || die "release $found has no program for $target; nothing was changed. Build it from source:
  git clone $REPOSITORY && ${REPOSITORY##*/}/install.sh"
    say "Fetching Ensign $found for $target ..."
    fetch "$RELEASES/download/v$found" "$archive" 67108864
    [ "$(sum_of "$stage/$archive")" = "$sum" ] || tampered "$archive is not the signed file: its checksum differs"
    unpack
    program=$stage/unpacked
    chmod 755 "$program"
    said=$(ensign "$program" version 2>&1) || die "the program of the release does not run on this machine; nothing was changed:
  $said"
    [ "${said##* }" = "$found" ] || die "the program of the release says that it is ${said##* }, not $found; nothing was changed"
    say 'Its signature and checksum are right.'
}

# fetch FOLDER FILE BYTES: downloads FILE into the stage folder, at most BYTES bytes. A download that broke off is
# resumed.
fetch() {
    host=${RELEASES#https://}
    host=${host%%/*}
    attempt=0 size=0
    while :; do
        attempt=$((attempt + 1)) before=$size code=0
        download "$1/$2" "$stage/$2" "$3" || code=$?
        [ $code != 0 ] || return 0
        size=$(($(wc -c 2>/dev/null <"$stage/$2" || echo 0)))
        has curl || code=wget$code
        [ "$size" -lt "$3" ] || code=63
        explain "$2"
        [ $attempt -lt 5 ] || die "the download of $2 was interrupted several times, the last time after $size bytes; nothing was changed. Try again later."
        [ "$size" -gt "$before" ] || rm -f -- "$stage/$2" # the server cannot resume the download
        [ "$size" -gt "$before" ] || size=0
        sleep 1
    done
}

# download ADDRESS FILE BYTES
download() (
    ulimit -f $(($3 / 512 + 1)) 2>/dev/null || :
    if has curl; then
        curl --silent --show-error --fail --location --proto '=https' --proto-redir '=https' --max-redirs 5 --connect-timeout 20 \
            --speed-limit 1 --speed-time 30 --max-time 900 --max-filesize "$3" --continue-at - --output "$2" "$1" 2>"$stage/said" || exit
    else
        # Some builds of busybox have no `-T`, and crash if it is given.
        case $(wget --help 2>&1) in *-T*) limits='-T 30 -t 1' ;; *) limits='' ;; esac
        # wget may follow a redirect to http. The downloaded files are verified all the same.
        # shellcheck disable=SC2086 # several words
        LC_ALL=C wget -nv $limits -c -O "$2" "$1" 2>"$stage/said" || exit
    fi
) 2>/dev/null # some shells print a line if the limit ends the program

# Explains why a download failed, and exits if another attempt would not help.
explain() {
    # Finds the reason among the other lines. An address may contain the user name and the password of a proxy.
    reason='s/^wget: //p; s/.*ERROR:* //p; /failed/p; /rror/p; /SSL/p; /exceeded/p'
    ! has curl || reason='s/^curl: ([0-9]*) //p'
    said=$(sed -n "s/[^ ']*@//g; s/\.\$//; $reason" "$stage/said" 2>/dev/null | head -n 1 | tr -cd ' -~')
    answer=$(printf %s "$said" | sed -n 's/^\(.*rror: \)\{0,1\}\(HTTP\/[0-9.]* \)\{0,1\}\([45][0-9][0-9]\).*/\3/p')
    case $answer in
    '' | 416) ;; # 416: the partial file is longer than the server's, so start again
    404 | 410)
        case $1 in SHA256SUMS*) ;; *) die "release $found has no $1 at \`$RELEASES\`; nothing was changed. Try again later." ;; esac
        die "there is no release ${version:+$version }at \`$RELEASES\`; nothing was changed. Check the version, if you named one."
        ;;
    *) die "\`$host\` answered with $answer when asked for $1; nothing was changed. Try again later." ;;
    esac
    case $code in
    1) die "\`$host\` redirects $1 to an address without https; nothing was changed. Report it to the server's operator." ;;
    47) die "\`$host\` redirects $1 too often; nothing was changed. Report it to the server's operator." ;;
    23 | wget3) die "there is no room in \`$bin\` for the download; nothing was changed. Make room, or choose another folder with \`--prefix DIR\`." ;;
    63) tampered "$1 is too large for a release" ;;
    esac
    [ "$size" -gt 0 ] ||
        die "could not reach \`$host\`: ${said:-it sent nothing}; nothing was changed. Check the network, and the proxy if there is one."
}

# Verifies the signatures of SHA256SUMS and of the trusted comment.
verify() (
    cd -- "$stage" || exit
    signed=$(sed -n 2p SHA256SUMS.minisig) commented=$(sed -n 4p SHA256SUMS.minisig)
    case $(sed -n 3p SHA256SUMS.minisig).${#signed}.${#commented} in
    'trusted comment: '*.100.88) ;;
    *) tampered 'SHA256SUMS.minisig is not a signature of minisign' ;;
    esac
    # Compares the key numbers first, so that a wrong key gets a better message than a wrong signature.
    [ "$(printf %s "$signed" | cut -c 3-13)" = "$(printf %s "$PUBLIC_KEY" | cut -c 3-13)" ] ||
        tampered 'the release is signed with another key than the one trusted here'
    if has minisign; then
        minisign -V -q -P "$PUBLIC_KEY" -m SHA256SUMS -x SHA256SUMS.minisig >/dev/null 2>&1
    else
        verify_by_openssl "$signed" "$commented"
    fi || tampered 'SHA256SUMS or its signature was changed after signing'
)

# verify_by_openssl SIGNATURE SIGNATURE: verifies minisign's two Ed25519 signatures. The first signs the BLAKE2b-512
# hash of SHA256SUMS. The second signs the first signature followed by the trusted comment.
verify_by_openssl() {
    case $1 in RU[QRST]*) ;; *) return 1 ;; esac # Base64 of `ED`, which means that the file's hash is signed
    {
        printf '\060\052\060\005\006\003\053\145\160\003\041\000' # SubjectPublicKeyInfo of Ed25519, RFC 8410
        printf %s "$PUBLIC_KEY" | openssl base64 -d -A | tail -c 32
    } >key
    printf %s "$1" | openssl base64 -d -A | tail -c 64 >signature
    printf %s "$2" | openssl base64 -d -A >signature.comment
    openssl dgst -blake2b512 -binary SHA256SUMS >digest || return 1
    { cat signature && sed -n '3s/^trusted comment: //p' SHA256SUMS.minisig | tr -d '\n'; } >commented
    signed_by_key digest signature && signed_by_key commented signature.comment
}

signed_by_key() {
    openssl pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in "$1" -sigfile "$2" >/dev/null 2>&1
}

# Refuses a latest release that is older than the installed one. An attacker could offer an old release, which has a
# valid signature, to bring back faults that were fixed since.
refuse_older() {
    [ -z "$version" ] && [ -x "$bin/$PROGRAM" ] || return 0
    there=$(ensign "$bin/$PROGRAM" version 2>/dev/null) || return 0
    there=${there##* }
    ! is_older "$found" "$there" || die "the newest release is $found, which is older than the installed $there; nothing was changed.
To install the older release:  --version $found"
}

# is_older VERSION VERSION
is_older() {
    awk -v one="$1" -v other="$2" 'BEGIN {
        split(one, a, /[.-]/); split(other, b, /[.-]/)
        for (i = 1; i <= 3; i++) if (a[i] + 0 != b[i] + 0) exit !(a[i] + 0 < b[i] + 0)
        exit !(one ~ /-/ && other !~ /-/)
    }'
}

sum_of() {
    if has sha256sum; then
        sha256sum <"$1"
    elif has shasum; then
        shasum -a 256 <"$1"
    else
        openssl dgst -sha256 -r <"$1"
    fi | sed 's/[^0-9a-f].*//'
}

# Extracts the program from the archive to a fixed path, so that no name in the archive can lead elsewhere.
unpack() {
    gzip -dc "$stage/$archive" >"$stage/tar" 2>/dev/null || {
        ! gzip -t "$stage/$archive" 2>/dev/null || no_room
        tampered "$archive is not a gzip file, or is too large"
    }
    names=$(tar -tf "$stage/tar" 2>/dev/null) || tampered "$archive is not a valid tar archive"
    outside=$(printf '%s\n' "$names" | awk -v name="$name/" '/\/\.\.$/ || /\/\.\.\// || index($0 "/", name) != 1')
    [ -z "$outside" ] || tampered "$archive contains \`$(printf %s "$outside" | head -n 1)\`, which is outside the archive's folder"
    ! tar -tvf "$stage/tar" 2>/dev/null | grep -q '^[lh]' || tampered "$archive contains a link"
    tar -xOf "$stage/tar" "$name/$PROGRAM" >"$stage/unpacked" 2>/dev/null || {
        printf '%s\n' "$names" | grep -qxF "$name/$PROGRAM" || tampered "$archive contains no \`$PROGRAM\`"
        no_room
    }
    rm -f -- "$stage/tar"
}

no_room() {
    die "there is no room in \`$bin\` to unpack the release; nothing was changed. Make room, then try again."
}

tampered() {
    die "$1; nothing was changed.
Try again; if it happens twice, report it as SECURITY.md in $REPOSITORY says"
}

# Finds Rust in HOME. If Rust is not there, finds Rust in the home folder that the user database names.
find_rust() {
    own_home=$(eval "printf %s ~$(id -un 2>/dev/null)")
    for home in "${HOME:-/nonexistent}" "$own_home"; do
        [ -n "${CARGO_HOME:-}" ] || [ ! -d "$home/.cargo" ] || export CARGO_HOME="$home/.cargo"
        [ -n "${RUSTUP_HOME:-}" ] || [ ! -d "$home/.rustup" ] || export RUSTUP_HOME="$home/.rustup"
    done
    PATH=$PATH${CARGO_HOME:+:$CARGO_HOME/bin}
}

# Records where the program came from, for `update`. A failure here is harmless, because all else works without the
# record.
record() {
    from=$checkout
    [ "$way" != release ] || from=release
    file=${bin%/bin}/$RECORD
    [ -n "$from" ] || return 0
    { mkdir -p -- "${file%/*}" && printf '%s\n' "$from" >"$file"; } 2>/dev/null || say "      could not write $(shown "$file")"
}

# Installs manual pages and completions where man and the shells look, relative to the program's folder. A failure here
# is harmless.
install_texts() {
    ensign "$bin/$PROGRAM" install-texts >/dev/null 2>&1 || return 0
    case ${SHELL:-} in
    */zsh) say "For zsh completions, add this line before compinit in ~/.zshrc:" "  fpath=(\"$(quoted "${bin%/bin}")/share/zsh/site-functions\" \$fpath)" ;;
    esac
}

note_made_folders() {
    file=${bin%/bin}/$MADE
    [ "$made" = ' ' ] || { mkdir -p -- "${file%/*}" && printf %s "$made" >>"$file"; } 2>/dev/null ||
        say "      could not write $(shown "$file")"
}

minor() {
    rest=${1#*.}
    printf %s "${rest%%.*}"
}

# Stores two accounts of one registry and asks for each as Docker does, from a process named `docker` whose arguments
# name the image. Prints the results.
prove() (
    cd -- "$stage" || exit
    for account in acme alice; do
        login=$(printf '{"ServerURL":"https://ghcr.io","Username":"%s","Secret":"secret-of-%s"}' $account $account)
        answer=$(printf %s "$login" | ensign "./$PROGRAM" store 2>&1) || {
            say "this program did not save a login, so nothing was installed" "  answered     $answer"
            exit 1
        }
    done
    printf './%s get <asked\nexit $?\n' "$PROGRAM" >push # a shell called as `docker push IMAGE` runs the script `push`
    for account in acme alice; do
        image=ghcr.io/$account/app
        if play_docker; then
            asking="docker push $image"
            printf 'https://ghcr.io\n' >asked
            answer=$(ensign ./docker push "$image" 2>&1) || :
        else
            asking="get $image"
            answer=$(printf '%s\n' "$image" | ensign "./$PROGRAM" get 2>&1) || :
        fi
        case $answer in
        *"\"Username\":\"$account\""*"\"Secret\":\"secret-of-$account\""*) ;;
        *)
            say "this program does not tell accounts apart, so nothing was installed" \
                "  asked by     $asking" "  should be    $account" "  answered     $answer"
            exit 1
            ;;
        esac
        printf '  %-29s  is answered by  %s\n' "$asking" "$account"
    done
)

# Runs a command without the user's accounts and settings.
ensign() {
    env -i PATH="$PATH" HOME="$stage" ENSIGN_CONFIG_DIR="$stage/config" ENSIGN_DATA_DIR="$stage/data" "$@"
}

# Finds a shell that also runs under the name `docker`. busybox does not, because it would look for a busybox command
# named `docker`.
play_docker() {
    for shell in sh bash dash ksh zsh; do
        file=$(command -v $shell) && ln -sf -- "$file" docker && ./docker -c 'exit 0' 2>/dev/null && return
    done
    return 1
}

# link TARGET PATH: creates a link, but replaces nothing that another program made. A link to a helper of our name that
# is gone is from an installation in another folder.
link() {
    if [ -L "$2" ] && [ ! -e "$2" ]; then
        case $(readlink -- "$2") in */"$PROGRAM") rm -f -- "$2" ;; esac
    fi
    if is_link "$1" "$2"; then
        :
    elif [ -e "$2" ] || [ -L "$2" ]; then
        say "      kept $(shown "$2"), which is not ours"
        return
    else
        ln -s -- "$1" "$2"
    fi
    say "    linked $(shown "$2")"
}

is_link() {
    [ -L "$2" ] && [ "$(readlink -- "$2")" = "$1" ]
}

say_path() {
    first=$(command -v "$PROGRAM") || first=
    # shellcheck disable=SC3013 # POSIX has -ef since 2024, and the shells have it for longer
    [ ! "$first" -ef "$bin/$PROGRAM" ] || return 0
    case :$PATH: in
    *":$bin:"* | *":$bin/:"*)
        [ -z "$first" ] || say '' "Docker will use \`$first\`, which comes first on PATH: remove that one."
        return
        ;;
    esac
    # shellcheck disable=SC2016 # the user's shell expands it
    case $bin in
    "${HOME:-/nonexistent}"/*) folder=\$HOME$(quoted "${bin#"$HOME"}") ;;
    *) folder=$(quoted "$bin") ;;
    esac
    say '' "Docker cannot find Ensign yet: $(shown "$bin") is not on PATH."
    case ${SHELL:-} in
    */fish) say 'Run this once:' "  fish_add_path \"$folder\"" && return ;;
    */zsh) file=.zshrc ;;
    */bash) file=.bashrc ;;
    *) file=.profile ;;
    esac
    say "Add this line to ~/$file and open a new terminal:" "  export PATH=\"$folder:\$PATH\""
}

# Escapes a text for use in double quotes.
quoted() {
    printf %s "$1" | sed 's/[\\"$`]/\\&/g'
}

# Fails if a package manager installed the program, because that package manager must update it.
refuse_package() {
    [ ! -s "${bin%/bin}/$PACKAGE" ] || die "a package manager installed the program in \`$bin\`; nothing was changed. To update it, run:
  $(head -n 1 "${bin%/bin}/$PACKAGE")"
}

uninstall() {
    refuse_package
    [ ! -d "$bin" ] || spell_folder
    if [ -e "$bin/$PROGRAM" ] && [ ! -w "$bin" ]; then
        die "you may not write to \`$bin\`; nothing was changed. Run this script as the user who owns the folder.
To undo only your own settings of Docker:  \"$(quoted "$bin")/$PROGRAM\" configure-docker --undo"
    fi
    made=$(cat -- "${bin%/bin}/$MADE" 2>/dev/null) || made=
    if [ -x "$bin/$PROGRAM" ] && docker_asks; then
        "$bin/$PROGRAM" configure-docker --undo || die "Docker's settings could not be put back, so nothing was removed.
Take \"ensign\" out of \`$docker_config/config.json\`, then run this script again."
        remove_empty_config "${docker_config:+$docker_config/config.json}"
        remove_empty_config "$containers/auth.json"
    fi
    if [ -n "$plugin" ]; then unlink_ours "$bin/$PROGRAM" "$plugin"; fi
    for name in $LINKS; do unlink_ours "$PROGRAM" "$bin/$name"; done
    for pin in "$bin/$PROGRAM"-*; do unlink_ours "$PROGRAM" "$pin"; done
    unlink_pins_on_path
    if [ -f "$bin/$PROGRAM" ] && [ ! -L "$bin/$PROGRAM" ]; then
        remove_texts
        # A killed `ensign update` leaves files whose names end in `.new`.
        rm -f -- "$bin/$PROGRAM" "$bin/.ensign-previous" "$bin/.ensign-next" "$bin/.ensign-returning" "$bin"/.ensign-*.new \
            "${bin%/bin}/$RECORD" "${bin%/bin}/$TEXTS" "${bin%/bin}/$MADE" "${bin%/bin}"/lib/ensign/*.new "${bin%/bin}/lib/ensign/update.lock"
        say "Removed $(shown "$bin/$PROGRAM")"
    else
        say "Ensign is not installed in $(shown "$bin")"
    fi
    rm -rf -- "$bin"/.ensign-install.?????? # left by an installation that was killed
    remove_made_folders
    say_left
}

remove_texts() {
    [ -f "${bin%/bin}/$TEXTS" ] || return 0
    while IFS= read -r text; do
        case /$text/ in */../*) ;; *) rm -f -- "${bin%/bin}/share/$text" ;; esac
    done <"${bin%/bin}/$TEXTS"
}

# Tells whether Docker or a container tool still asks Ensign, according to its settings.
docker_asks() {
    containers=${XDG_CONFIG_HOME:-${HOME:-}/.config}/containers
    # A pinned helper is named `ensign-ALIAS`. TOML allows both kinds of quotes.
    grep -rqs "[\"']ensign[\"'-]" "$docker_config/config.json" "$containers/auth.json" \
        "${CONTAINERS_REGISTRIES_CONF:-$containers/registries.conf}" "${BUILDX_CONFIG:-$docker_config/buildx}/config"
}

# Removes a file of a client that contains only `{}`, which Ensign may have created. For the client such a file is the
# same as no file.
remove_empty_config() {
    if [ ! -f "$1" ] || [ -L "$1" ] || [ "$(tr -d ' \t\r\n' <"$1")" != '{}' ]; then return; fi
    rm -f -- "$1"
    rmdir -- "${1%/*}" 2>/dev/null || :
}

# Removes the empty folders in the list `made`. A folder that was there before stays, even if it is empty.
remove_made_folders() {
    for folder in $FOLDERS; do
        case $made in *" $folder "*) rmdir -- "${bin%/bin}/$folder" 2>/dev/null || : ;; esac
    done
}

unlink_ours() {
    ! is_link "$1" "$2" || rm -f -- "$2"
}

# `ensign pin --folder` makes pinned helpers in other folders, which must be on PATH for Docker to find them.
unlink_pins_on_path() (
    IFS=:
    for folder in $PATH; do
        for pin in "$folder/$PROGRAM"-*; do unlink_ours "$bin/$PROGRAM" "$pin" || :; done
    done
)

say_left() {
    case $(uname -s) in
    Darwin)
        config="${HOME:-}/Library/Application Support/ensign"
        data=$config
        ;;
    *)
        config=${XDG_CONFIG_HOME:-${HOME:-}/.config}/ensign
        data=${XDG_DATA_HOME:-${HOME:-}/.local/share}/ensign
        ;;
    esac
    config=${ENSIGN_CONFIG_DIR:-$config} data=${ENSIGN_DATA_DIR:-$data}
    said=
    for folder in "$config" "$data"; do
        if [ ! -d "$folder" ] || [ "$folder" = "$said" ]; then continue; fi
        [ -n "$said" ] || say 'Your accounts stay. To remove them for good:'
        said=$folder
        say "  rm -r '$(printf %s "$folder" | sed "s/'/'\\\\''/g")'"
    done
}

# Prints a path with `~` for the home folder.
shown() {
    case $1 in
    "${HOME:-/nonexistent}"/*) printf '~%s' "${1#"$HOME"}" ;;
    *) printf %s "$1" ;;
    esac
}

say() {
    printf '%s\n' "$@"
}

die() {
    printf 'install.sh: %s\n' "$1" >&2
    exit 1
}

main "$@"
}
