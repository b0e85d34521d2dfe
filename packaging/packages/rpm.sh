# shellcheck shell=sh disable=SC2034,SC2154 # variables of packages.sh
# Makes the RPM package for Fedora and its relatives with rpmbuild, from a program that is already built.

make_rpm() {
    need rpmbuild rpm
    for target in $LINUX; do
        has "$target" || continue
        arch=${target%%-*}
        tree=$stage/rpm-$arch
        lay_out "$tree" "$target" libexec/docker/cli-plugins zsh/site-functions \
            "sudo dnf install $(fact RELEASES)/download/vVERSION/$package-VERSION-1.$arch.rpm"
        for file in README.md CHANGELOG.md; do put 644 "$stage/$target/$file" "$usr/share/doc/$package/$file"; done
        for file in LICENSE-MIT LICENSE-APACHE LICENSE-THIRD-PARTY; do put 644 "$stage/$target/$file" "$usr/share/licenses/$package/$file"; done
        finish_tree "$tree"
        list_files >"$stage/files"
        fill spec RPM_DAY="$(date -u -d "@$date" '+%a %b %d %Y')" >"$stage/spec"
        cat "$stage/files" >>"$stage/spec"
        rpmbuild -bb --quiet --define "_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm" --target "$arch-linux" --buildroot "$stage/buildroot" --define "_topdir $stage/rpmbuild" \
            --define "_rpmdir $folder" --define "tree $tree" "$stage/spec" >"$stage/said" 2>&1 || die "$(cat "$stage/said")"
    done
}

# Prints the lines of %files. The package owns folders that other packages own too, so that removing the package leaves
# no empty folder. The package does not own folders of Fedora's package `filesystem`, which is always installed.
list_files() {
    (cd "$tree" && find usr -mindepth 1 -type d) | sort | while IFS= read -r path; do
        case $path in
        usr/bin | usr/lib | usr/libexec | usr/share | usr/share/doc | usr/share/licenses | usr/share/man | usr/share/man/man?) ;;
        *) printf '%%dir "/%s"\n' "$path" ;;
        esac
    done
    (cd "$tree" && find usr ! -type d) | sort | while IFS= read -r path; do
        case $path in
        usr/share/licenses/*) printf '%%license "/%s"\n' "$path" ;;
        usr/share/doc/* | usr/share/man/*) printf '%%doc "/%s"\n' "$path" ;;
        *) printf '"/%s"\n' "$path" ;;
        esac
    done
}
