# shellcheck shell=bash disable=SC2154
# What bake files ask for: projects made from a seed, given to buildx and to the helper.

buildx=$tools/moby/usr/libexec/docker/cli-plugins/docker-buildx
[ -x "$buildx" ] || skip_rest "no buildx of today is installed"
works -- "$here/bake_files.py" "$program" "$buildx" --seed 1 --count 60
