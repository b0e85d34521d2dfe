# shellcheck shell=sh disable=SC2034,SC2154 # variables of packages.sh
# Makes the image, as an OCI layout with one manifest for each Linux program. The image contains the program,
# certificates and licences. buildah makes it, because buildah needs no daemon; `skopeo copy --all
# oci:FOLDER/image:VERSION docker://…` pushes it.

make_image() {
    need buildah buildah
    bundle=${CA_BUNDLE:-/etc/ssl/certs/ca-certificates.crt}
    [ -f "$bundle" ] || die "\`$bundle\`, the certificates of the image, is missing: install ca-certificates, or name others with CA_BUNDLE=FILE"
    # Without certificates the program could trust no registry. `docker run --volume` and SSL_CERT_FILE can set others.
    put 444 "$bundle" "$stage/image/etc/ssl/certs/ca-certificates.crt"
    # Anyone who distributes the image must distribute the licences too.
    for target in $targets; do :; done # the last target, because all archives contain the same licences
    for file in LICENSE-MIT LICENSE-APACHE LICENSE-THIRD-PARTY; do put 444 "$stage/$target/$file" "$stage/image/licenses/$file"; done
    finish_tree "$stage/image"
    store manifest create "$package" >/dev/null
    for target in $LINUX; do
        has "$target" || continue
        case $target in x86_64-*) arch=amd64 ;; *) arch=arm64 ;; esac
        container=$(store from --arch "$arch" scratch)
        store copy --quiet "$container" "$stage/image" / >/dev/null
        store copy --quiet --chmod 755 "$container" "$stage/$target/docker-credential-ensign" / >/dev/null
        label "$container"
        store commit --quiet --rm --timestamp "$date" --manifest "$package" "$container" >/dev/null
    done
    store manifest push --quiet --all "$package" "oci:$folder/image:$version" >/dev/null
    store rmi --all --force >/dev/null
}

label() { # CONTAINER
    for pair in title="$package" description="$(fact SUMMARY)" version="$version" licenses="$(fact LICENSE)" \
        url="$(fact HOMEPAGE)" documentation="$(fact DOCUMENTATION)" source="$(fact REPOSITORY)"; do
        store config --label "org.opencontainers.image.$pair" "$1"
    done
    store config --arch "$arch" --entrypoint '["/docker-credential-ensign"]' "$1"
}

# Runs buildah with storage of its own, so that nothing stays in the user's storage.
store() {
    said=0
    buildah --root "$stage/storage" --runroot "$stage/storage-run" --storage-driver vfs "$@" 2>"$stage/said" || said=$?
    [ $said = 0 ] || die "\`buildah $1\` failed: $(cat "$stage/said")"
}
