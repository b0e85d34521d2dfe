#!/bin/sh
# Builds Ensign from this checkout, installs it for one user and proves that it tells accounts apart.
set -eu

PROGRAM=docker-credential-ensign
LINKS='ensign docker-ensign docker-credential-atcr'
RECORD=lib/ensign/installed-from # for `update`, which reads it at this place beside the program's folder
TEXTS=lib/ensign/installed-texts # the completions and manual pages, by their names under share/

usage() {
    cat <<'END'
Installs the Docker credential helper Ensign from this checkout, without root.

usage: ./install.sh [--prefix DIR] [--program PATH]
       ./install.sh --uninstall [--prefix DIR]

  --prefix DIR    install to DIR/bin instead of ~/.local/bin
  --program PATH  install this program, already built, instead of building one
  --uninstall     take back what install made; accounts stay
  -h, --help      this help
END
}

main() {
    prefix='' program='' task=install
    while [ $# -gt 0 ]; do
        case $1 in
        --prefix=* | --program=*) set_option "${1%%=*}" "${1#*=}" ;;
        --prefix | --program)
            [ $# -gt 1 ] || die "\`$1\` needs a value: see \`$0 --help\`"
            set_option "$1" "$2"
            shift
            ;;
        --uninstall) task=uninstall ;;
        -h | --help) usage && exit ;;
        *) die "\`$1\` is no option of this script: see \`$0 --help\`" ;;
        esac
        shift
    done
    [ -n "$prefix" ] || [ -n "${HOME:-}" ] || die "HOME is not set: set it, or say where with \`--prefix DIR\`"
    bin=${prefix:-$HOME/.local}/bin
    docker_config=${DOCKER_CONFIG:-${HOME:+$HOME/.docker}}
    plugin=${docker_config:+$docker_config/cli-plugins/docker-ensign}
    "$task"
}

set_option() {
    [ -n "$2" ] || die "\`$1\` needs a value: see \`$0 --help\`"
    case $2 in
    /*) absolute=$2 ;;
    *) absolute=$PWD/$2 ;;
    esac
    case $1 in
    --prefix) prefix=$absolute ;;
    --program) program=$absolute ;;
    esac
}

install() {
    [ -n "$program" ] || build
    if [ ! -f "$program" ] || [ ! -x "$program" ]; then die "\`$program\` is not a program"; fi
    if [ -L "$bin/$PROGRAM" ] || [ -d "$bin/$PROGRAM" ]; then
        die "\`$bin/$PROGRAM\` is not a file of this script: remove it, or choose another folder with \`--prefix DIR\`"
    fi
    if ! mkdir -p -- "$bin" || ! stage=$(mktemp -d "$bin/.ensign-install.XXXXXX"); then
        die "cannot write to \`$bin\`: choose another folder with \`--prefix DIR\`"
    fi
    trap 'rm -rf -- "$stage"; remove_empty_folders' EXIT
    trap 'exit 130' HUP INT TERM PIPE
    cp -- "$program" "$stage/$PROGRAM" ||
        die "could not copy the program to \`$bin\`: is there room for it?"
    chmod 755 "$stage/$PROGRAM"
    # Before anything is replaced: an upgrade that does not work leaves the old program there.
    proof=$(prove) || die "$proof"
    mv -f -- "$stage/$PROGRAM" "$bin/$PROGRAM" # in one folder this is atomic: a helper that runs is not disturbed

    say "Installed $(shown "$bin/$PROGRAM")"
    for name in $LINKS; do link "$PROGRAM" "$bin/$name"; done
    record
    install_texts
    # Docker finds the plugin on its own only there.
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
    find_root
    find_rust
    needed=$(sed -n 's/^rust-version = "\([0-9.]*\)".*/\1/p' "$root/Cargo.toml")
    found=$(cargo --version 2>/dev/null | sed 's/^cargo \([0-9]*\.[0-9]*\).*/\1/') || found=
    [ -n "$found" ] || die "Rust is missing. Install it, then run this script again:
  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
    if [ "${found%%.*}" -lt "${needed%%.*}" ] ||
        { [ "${found%%.*}" -eq "${needed%%.*}" ] && [ "$(minor "$found")" -lt "$(minor "$needed")" ]; }; then
        die "Rust $found is too old, Ensign needs $needed. Renew it with \`rustup update stable\`, then run this script
again. (A distribution's Rust has no rustup: see https://rustup.rs)"
    fi
    say 'Building Ensign, which takes a minute or two ...'
    program=$("$root/packaging/build.sh" | tail -n 1)
    [ -n "$program" ] || die 'the build failed, for the reason above. If it is the linker, install a C compiler and the static C library:
  Debian, Ubuntu: apt install gcc libc6-dev      Fedora: dnf install gcc glibc-static      Alpine: apk add gcc musl-dev'
}

# Rust may be installed in the user's own home although HOME or PATH does not say so.
find_rust() {
    own_home=$(eval "printf %s ~$(id -un 2>/dev/null)")
    for home in "${HOME:-/nonexistent}" "$own_home"; do
        [ -n "${CARGO_HOME:-}" ] || [ ! -d "$home/.cargo" ] || export CARGO_HOME="$home/.cargo"
        [ -n "${RUSTUP_HOME:-}" ] || [ ! -d "$home/.rustup" ] || export RUSTUP_HOME="$home/.rustup"
    done
    PATH=$PATH${CARGO_HOME:+:$CARGO_HOME/bin}
}

find_root() {
    root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
}

# Writes down where the program comes from. Without it `update` knows less, and all else works.
record() {
    find_root
    file=${bin%/bin}/$RECORD
    { mkdir -p -- "${file%/*}" && printf '%s\n' "$root" >"$file"; } 2>/dev/null || say "      could not write $(shown "$file")"
}

# Puts manual pages and completions where man and the shells look beside the program's folder. Without them all works.
install_texts() {
    list=${bin%/bin}/$TEXTS
    : >"$stage/list"
    pages=$(ensign "$bin/$PROGRAM" man 2>/dev/null) || return 0
    for page in $pages; do put_text "man/man${page##*.}/$page" man "$page"; done
    for name in ensign $PROGRAM; do # a shell looks for the name that is typed
        put_text "bash-completion/completions/$name" completions bash
        put_text "fish/vendor_completions.d/$name.fish" completions fish
    done
    put_text zsh/site-functions/_ensign completions zsh
    remove_texts "$stage/list"
    mv -f -- "$stage/list" "$list" 2>/dev/null || :
    case ${SHELL:-} in
    */zsh) say "zsh finds its completions once this stands before compinit in ~/.zshrc:" "  fpath=(\"${bin%/bin}/share/zsh/site-functions\" \$fpath)" ;;
    esac
}

# put_text FILE WORD...: writes what the program prints to a file under share/, if that is not somebody else's.
put_text() {
    path=${bin%/bin}/share/$1
    text=$1
    shift
    if [ -e "$path" ] || [ -L "$path" ]; then
        grep -qsxF -- "$text" "$list" || return 0
    fi
    { ensign "$bin/$PROGRAM" "$@" >"$stage/text" && mkdir -p -- "${path%/*}" && mv -f -- "$stage/text" "$path"; } 2>/dev/null || return 0
    printf '%s\n' "$text" >>"$stage/list"
}

# Removes the texts of an earlier installation, but those that are named in a file.
remove_texts() {
    [ -f "$list" ] || return 0
    while IFS= read -r text; do
        grep -qsxF -- "$text" "$1" || rm -f -- "${bin%/bin}/share/$text"
    done <"$list"
}

minor() {
    rest=${1#*.}
    printf %s "${rest%%.*}"
}

# Stores two accounts of one registry and asks for each as Docker does: from a process named `docker` whose arguments
# name the image. Prints what happened.
prove() (
    cd -- "$stage" || exit
    for account in acme alice; do
        login=$(printf '{"ServerURL":"https://ghcr.io","Username":"%s","Secret":"secret-of-%s"}' $account $account)
        answer=$(printf %s "$login" | ensign "./$PROGRAM" store 2>&1) || {
            say "this program does not keep a login, so nothing was installed" "  answered     $answer"
            exit 1
        }
    done
    printf './%s get <asked\nexit $?\n' "$PROGRAM" >push # a shell called `docker push IMAGE` runs the script `push`
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

# Runs a command with nothing of the user's: no accounts, no settings.
ensign() {
    env -i PATH="$PATH" HOME="$stage" ENSIGN_CONFIG_DIR="$stage/config" ENSIGN_DATA_DIR="$stage/data" "$@"
}

# Finds a shell that also runs under the name `docker`; busybox would look for a command of that name.
play_docker() {
    for shell in sh bash dash ksh zsh; do
        path=$(command -v $shell) && ln -sf -- "$path" docker && ./docker -c 'exit 0' 2>/dev/null && return
    done
    return 1
}

# link TARGET PATH: leaves alone what another made.
link() {
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
    case :$PATH: in
    *":$bin:"*)
        first=$(command -v "$PROGRAM") || first=
        case $first in
        "$bin/$PROGRAM" | '') ;;
        *) say '' "Docker will find \`$first\` first, which stands before it on PATH: remove that one." ;;
        esac
        return
        ;;
    esac
    # shellcheck disable=SC2016 # the user's shell expands it
    case $bin in
    "${HOME:-/nonexistent}"/*) folder=\$HOME$(quoted "${bin#"$HOME"}") ;;
    *) folder=$(quoted "$bin") ;;
    esac
    say '' "Docker will not find it yet: $(shown "$bin") is not on PATH."
    case ${SHELL:-} in
    */fish) say 'Run this once:' "  fish_add_path \"$folder\"" && return ;;
    */zsh) file=.zshrc ;;
    */bash) file=.bashrc ;;
    *) file=.profile ;;
    esac
    say "Add this line to ~/$file and open a new terminal:" "  export PATH=\"$folder:\$PATH\""
}

# Writes a text as it must stand between double quotes.
quoted() {
    printf %s "$1" | sed 's/[\\"$`]/\\&/g'
}

uninstall() {
    if [ -x "$bin/$PROGRAM" ] && docker_asks; then
        "$bin/$PROGRAM" configure-docker --undo || die "Docker's settings could not be put back, so nothing was removed.
Take \"ensign\" out of \`$docker_config/config.json\`, then run this script again."
    fi
    if [ -n "$plugin" ]; then unlink_ours "$bin/$PROGRAM" "$plugin"; fi
    for name in $LINKS; do unlink_ours "$PROGRAM" "$bin/$name"; done
    for pin in "$bin/$PROGRAM"-*; do unlink_ours "$PROGRAM" "$pin"; done
    if [ -f "$bin/$PROGRAM" ] && [ ! -L "$bin/$PROGRAM" ]; then
        list=${bin%/bin}/$TEXTS
        remove_texts /dev/null
        rm -f -- "$bin/$PROGRAM" "${bin%/bin}/$RECORD" "$list"
        say "Removed $(shown "$bin/$PROGRAM")"
    else
        say "Ensign is not installed in $(shown "$bin")"
    fi
    rm -rf -- "$bin"/.ensign-install.?????? # of an installation that was killed
    remove_empty_folders
    say_left
}

# Tells whether a program's settings still send it to Ensign.
docker_asks() {
    containers=${XDG_CONFIG_HOME:-${HOME:-}/.config}/containers
    grep -qs '"ensign"' "$docker_config/config.json" "$containers/auth.json" "$containers/registries.conf" ||
        grep -rqs '"ensign' "${BUILDX_CONFIG:-$docker_config/buildx}/config"
}

remove_empty_folders() {
    record_folder=${bin%/bin}/${RECORD%/*}
    for folder in man/man1 man/man7 man bash-completion/completions bash-completion fish/vendor_completions.d fish \
        zsh/site-functions zsh ''; do
        rmdir -- "${bin%/bin}/share/$folder" 2>/dev/null || :
    done
    rmdir -- "$record_folder" "${record_folder%/*}" "$bin" "${bin%/bin}" 2>/dev/null || :
}

unlink_ours() {
    ! is_link "$1" "$2" || rm -f -- "$2"
}

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

# Shows a path as people write it.
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
