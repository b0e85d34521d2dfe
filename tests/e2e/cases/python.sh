# shellcheck shell=bash disable=SC2154
# Docker's SDK for Python, which calls the helper without docker.

python=$tools/venv/bin/python
needs "$python" "Docker SDK for Python"
for me in alice bob; do
  other=bob
  [ $me = alice ] || other=alice
  new_home credHelpers $me $other
  images="import docker; images = docker.from_env().images"
  goes_as $me -- "$python" -c "$images; assert 'error' not in images.push('$registry/$me/app', tag='1')"
  goes_as $me -- "$python" -c "$images; images.pull('$registry/$me/base', tag='1')"
done
