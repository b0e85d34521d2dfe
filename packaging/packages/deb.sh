# shellcheck shell=sh disable=SC2034,SC2154 # variables of packages.sh
# Makes Debian's package with only dpkg-deb, because the program is already built and the control file has ten lines.

make_deb() {
    need dpkg-deb dpkg
    for target in $LINUX; do
        has "$target" || continue
        case $target in x86_64-*) arch=amd64 ;; *) arch=arm64 ;; esac
        tree=$stage/deb-$arch
        file=${package}_VERSION_$arch.deb
        lay_out "$tree" "$target" libexec/docker/cli-plugins zsh/vendor-completions \
            "curl -fsSLO $(fact RELEASES)/download/vVERSION/$file && sudo apt install ./$file"
        put_documents "$stage/$target"
        put_control
        finish_tree "$tree"
        dpkg-deb --root-owner-group -Zxz -z9 --build "$tree" "$folder/${package}_${version}_$arch.deb" >/dev/null
    done
}

put_documents() { # FOLDER, which contains README and CHANGELOG
    documents=$usr/share/doc/$package
    put 644 "$1/README.md" "$documents/README.md"
    put 644 "$1/CHANGELOG.md" "$documents/changelog"
    fill copyright MIT="$(sed -e '1,/^Copyright/d' -e 's/^$/./' -e 's/^/ /' "$1/LICENSE-MIT" | sed 1d)" >"$stage/copyright"
    put 644 "$stage/copyright" "$documents/copyright"
    fill changelog DATE="$(date -u -R -d "@$date")" >"$documents/changelog.Debian"
    put 644 "$1/LICENSE-THIRD-PARTY" "$documents/LICENSE-THIRD-PARTY"
    gzip -9 --no-name "$documents/changelog" "$documents/changelog.Debian" "$documents/LICENSE-THIRD-PARTY"
    fill lintian-overrides >"$stage/overrides"
    put 644 "$stage/overrides" "$usr/share/lintian/overrides/$package"
}

put_control() {
    mkdir "$tree/DEBIAN"
    (cd "$tree" && find usr -type f | sort | xargs md5sum >DEBIAN/md5sums)
    fill control ARCH="$arch" LONG="$(fact DESCRIPTION | fold -s -w 78 | sed -e 's/ *$//' -e 's/^/ /')" \
        SIZE="$(du -sk --apparent-size "$tree/usr" | cut -f 1)" >"$tree/DEBIAN/control"
}
