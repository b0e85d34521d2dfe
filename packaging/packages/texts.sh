# shellcheck shell=sh disable=SC2034,SC2154 # variables of packages.sh
# Writes the manual pages and completions, which the program itself prints.

# Sets `texts` to a folder with man/ and completions/, which are the same for all targets.
write_texts() {
    texts=$stage/texts
    mkdir -p "$texts/man" "$texts/completions"
    writer=$(find_writer) || die "no program of \`$release\` runs on this machine: name one with ENSIGN=PROGRAM"
    pages=$(writes man)
    for page in $pages; do writes man "$page" >"$texts/man/$page"; done
    for shell in bash zsh fish powershell nushell elvish; do writes completions $shell >"$texts/completions/$shell"; done
}

find_writer() {
    for program in ${ENSIGN:+"$ENSIGN"} "$stage"/*/docker-credential-ensign; do
        if env -i HOME="$stage/home" "$program" version >"$stage/answer" 2>&1; then printf %s "$program" && return; fi
    done
    return 1
}

writes() {
    env -i HOME="$stage/home" "$writer" "$@" || die "\`$writer $*\` failed"
}
