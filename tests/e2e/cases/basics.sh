# shellcheck shell=bash disable=SC2154
# Basic tests for every kind of machine. tests/targets.sh runs these tests with programs for other machines, under QEMU
# and Wine, where the program cannot see its caller.

needs_ensign
new_home nothing
says '^docker-credential-ensign|^ensign' -- "$helper" version
goes_as alice -- login alice "$helper" login "$registry"
goes_as bob -- login bob "$helper" login "$registry"
fails 3 'authentication rejected' -- wrong_login alice "$helper" login "$registry"
says '^alice$' -- user_at "$registry/alice/app"
says '^bob$' -- user_at "$registry/bob/app"
says '^alice$' -- user_of alice "$registry"
says 'alice' -- "$helper" which "$registry/alice/app:1"
says 'bob' -- "$helper" which "$registry/bob/app:1"
goes_as alice -- "$helper" check "$registry/alice/base:1"
works -- store tina ghcr.io
works -- store alice ghcr.io
says '^alice$' -- user_at ghcr.io
says '^tina$' -- user_at ghcr.io/tina
says 'tina' -- "$helper" status
not_found nowhere.example
works -- "$helper" logout "$registry" --all --yes
not_found "$registry"
