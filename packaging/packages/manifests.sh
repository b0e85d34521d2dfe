# shellcheck shell=sh disable=SC2034,SC2154 # variables of packages.sh
# Makes the manifests of package managers that install a release unchanged. Each manager has its own folder.

make_manifests() {
    if has "$WINDOWS"; then
        zip_windows
        manifest scoop "$package.json" scoop
        for part in .installer .locale.en-US ''; do manifest winget "$(fact WINGET)$part.yaml" "winget$part"; done
    else
        without scoop and winget "$WINDOWS"
    fi
    if has_all "$LINUX"; then
        manifest aur PKGBUILD PKGBUILD
        manifest aur .SRCINFO SRCINFO
        manifest alpine APKBUILD APKBUILD
    else
        without aur and alpine "$LINUX"
    fi
    if has_all "$LINUX $MACOS"; then
        manifest homebrew "$package.rb" formula
        manifest nix flake.nix flake
    else
        without homebrew and nix "$LINUX $MACOS"
    fi
}

has_all() {
    for target in $1; do has "$target" || return 1; done
}

without() {
    say "no manifest of $1 $2 $3, for they need $4"
}

manifest() { # FOLDER FILE TEMPLATE
    mkdir -p "$folder/$1"
    fill "$3" DOWNLOAD="$(fact RELEASES)/download/v$version" \
        LINUX_X86_64="$(sum_of x86_64-unknown-linux-musl)" LINUX_AARCH64="$(sum_of aarch64-unknown-linux-musl)" \
        MACOS_X86_64="$(sum_of x86_64-apple-darwin)" MACOS_AARCH64="$(sum_of aarch64-apple-darwin)" \
        LINUX_X86_64_512="$(long_sum x86_64-unknown-linux-musl)" LINUX_AARCH64_512="$(long_sum aarch64-unknown-linux-musl)" \
        ZIP="${zip_sum:-}" ZIP_UPPER="$(printf %s "${zip_sum:-}" | tr a-f A-F)" >"$folder/$1/$2"
}

long_sum() { # TARGET
    ! has "$1" || sha512sum "$release/ensign-$version-$1.tar.gz" | cut -d ' ' -f 1
}

# Packs the Windows program as a zip. winget unpacks only zip files, and so does Scoop without 7-Zip.
zip_windows() {
    need zip zip
    name=ensign-$version-$WINDOWS
    mkdir "$stage/zip"
    cp -a "$stage/$WINDOWS" "$stage/zip/$name"
    finish_tree "$stage/zip"
    (cd "$stage/zip" && find "$name" | sort | zip -X -q -9 -@ "$folder/$name.zip")
    zip_sum=$(sha256sum "$folder/$name.zip" | cut -d ' ' -f 1)
}
