# shellcheck shell=bash disable=SC2154
# Compares buildx and the helper: which images do random bake files request? The random seed is fixed.

buildx=$tools/moby/usr/libexec/docker/cli-plugins/docker-buildx
[ -x "$buildx" ] || skip_rest "no buildx of today is installed"
works -- "$here/bake_files.py" "$program" "$buildx" --seed 1 --count 60
