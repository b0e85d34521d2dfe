# shellcheck shell=sh disable=SC2034,SC2154 # variables of packages.sh
# Lays out the files of a Linux package. Distributions differ only in a few folders.

# lay_out TREE TARGET PLUGINS ZSH RENEWAL: `PLUGINS` is the folder of Docker's plugins and `ZSH` the folder of zsh's
# completions. `RENEWAL` is the command that updates the package; `ensign update` shows it. The word VERSION in
# `RENEWAL` stands for the newest release.
lay_out() {
    tree=$1 usr=$1/usr
    put 755 "$stage/$2/docker-credential-ensign" "$usr/bin/docker-credential-ensign"
    ln -s docker-credential-ensign "$usr/bin/ensign"
    mkdir -p "$usr/$3"
    ln -s "$(printf %s "$3/" | sed 's|[^/]*/|../|g')bin/docker-credential-ensign" "$usr/$3/docker-ensign"
    printf '%s\n' "$5" >"$stage/renewal"
    put 644 "$stage/renewal" "$usr/lib/ensign/installed-by"

    for page in "$texts"/man/*; do
        put 644 "$page" "$usr/share/man/man${page##*.}/${page##*/}"
        gzip -9 --no-name "$usr/share/man/man${page##*.}/${page##*/}"
    done
    ln -s ensign.1.gz "$usr/share/man/man1/docker-credential-ensign.1.gz"
    put_completions bash bash-completion/completions/ensign
    ln -s ensign "$usr/share/bash-completion/completions/docker-credential-ensign" # bash searches the typed name
    put_completions fish fish/vendor_completions.d/ensign.fish
    ln -s ensign.fish "$usr/share/fish/vendor_completions.d/docker-credential-ensign.fish"
    put_completions zsh "$4/_ensign"
    put_completions nushell nushell/vendor/autoload/ensign.nu
    put_completions elvish elvish/lib/ensign.elv
    put_completions powershell pwsh/completions/ensign.ps1
}

put_completions() { # SHELL FILE
    put 644 "$texts/completions/$1" "$usr/share/$2"
}

put() { # MODE FROM TO
    install -D -m "$1" -- "$2" "$3"
}

# Sets one date for all files, and modes that do not depend on this machine's umask.
finish_tree() { # TREE
    find "$1" -type d -exec chmod 755 {} +
    find "$1" -exec touch --no-dereference --date="@$date" {} +
}
