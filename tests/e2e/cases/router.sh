# shellcheck shell=bash disable=SC2016,SC2154
# Ensign is Docker's credsStore, and the previous helper is its fallback. Ensign and the helper keep their own logins.

needs_ensign
needs docker-credential-pass
needs gpg
docker=$(command -v docker)

new_home nothing
docker_config '{"credsStore":"pass"}'
cp "$HOME/.docker/config.json" "$HOME/before.json"
export GNUPGHOME=$HOME/.gnupg
mkdir -m 700 "$GNUPGHOME"
works -- gpg --batch --quiet --passphrase '' --quick-gen-key e2e@example.com
works -- pass init e2e@example.com
works -- login bob "$docker" login "$basic"
works -- login alice "$helper" login "$registry" --plain-http
works -- "$helper" configure-docker --all
says '"credsStore": ?"ensign"' -- cat "$HOME/.docker/config.json"
says 'all others .*docker-credential-pass$' -- "$helper" status
goes_as alice -- "$docker" push "$registry/alice/app:1"
goes_as bob -- "$docker" push "$basic/bob/app:1"
goes_as bob -- "$docker" pull "$basic/bob/app:1"
says "\"$basic\":\"bob\"" -- "$helper" list
says "^docker-credential-pass   " -- "$helper" which "$basic/bob/app:1"

# A login and a logout without an account in Ensign reach pass, and Ensign stores nothing.
works -- login bob "$docker" login docker.io
says index.docker.io -- docker-credential-pass list
goes_as bob -- "$docker" push bob/app:1
refused -- grep -q docker.io "$HOME/.config/ensign/config.json"
works -- "$docker" logout # with `docker.io`, docker would use an address that pass does not have
refused -- sh -c 'docker-credential-pass list | grep index.docker.io'
refused -- "$docker" push bob/app:1
refused -- wrong_login bob "$docker" login docker.io

# `ensign login` makes an account, although pass has a login for the same registry.
works -- login alice "$helper" login "$basic" --plain-http
goes_as alice -- "$docker" push "$basic/alice/app:1"
works -- "$helper" logout "$basic"
goes_as bob -- "$docker" push "$basic/bob/app:1"

# pass answers for a pattern of hosts, and the fallback fails. Public pulls still work.
mkdir "$HOME/bin"
PATH=$HOME/bin:$PATH
printf '#!/bin/sh\necho "the keychain is locked"; exit 1\n' >"$HOME/bin/docker-credential-dead"
chmod +x "$HOME/bin/docker-credential-dead"
works -- login alice "$docker" login ghcr.io
works -- "$helper" route 'gh*.io' pass
works -- "$helper" route --fallback dead
goes_as alice -- "$docker" push ghcr.io/alice/app:1
not_found "$basic"
not_found docker.io
goes_as nobody -- "$docker" pull public/base:1
refused -- "$docker" push bob/app:1
says 'alice' -- "$helper" list
goes_as nobody -- env PATH="${PATH#"$HOME"/bin:}" "$docker" pull public/base:1 # the fallback is not installed
works -- "$helper" route 'gh*.io' --remove
works -- "$helper" route --fallback pass

# Without its key, pass fails too.
gpgconf --kill all
mv "$GNUPGHOME" "$HOME/gone"
goes_as nobody -- "$docker" pull public/base:1
goes_as alice -- "$docker" push "$registry/alice/app:1"
mv "$HOME/gone" "$GNUPGHOME"

works -- "$helper" configure-docker --undo
says '"credsStore": ?"pass"' -- cat "$HOME/.docker/config.json"
works -- cmp <(jq -S 'del(.auths)' "$HOME/before.json") <(jq -S 'del(.auths)' "$HOME/.docker/config.json")
gpgconf --kill all
