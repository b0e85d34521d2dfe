# shellcheck shell=bash disable=SC2154
# Installs a release on a machine that has only Debian's base, curl and certificates. The release is then used, updated,
# rolled back and removed. The release server uses TLS with an authority that the machine trusts, and
# packaging/release.sh makes the releases.

needs_ensign
needs minisign
[ -e "$tools/debian-root.tar" ] || skip_rest "there is no Debian root"

machine=$state/machine releases=$state/releases project=$here/../..
mkdir "$machine" "$releases"
tar -xf "$tools/debian-root.tar" -C "$machine"
cp "$state/certs/bundle.pem" "$machine/usr/local/share/ca-certificates/e2e.crt"
mount -t proc proc "$machine/proc"
cp /etc/hosts "$machine/etc/hosts"
mkdir "$machine/home/me"
mount --bind "$machine/home" /home # so that podman uses the same home

inside() { chroot "$machine" env -i HOME=/home/me PATH=/home/me/.local/bin:/usr/bin:/bin:/usr/sbin:/sbin SHELL=/bin/bash "$@"; }
inside update-ca-certificates >"$state/log/update-ca-certificates" 2>&1

# The first release is the tested program, and the next one is the same program with another version.
minisign -G -W -p "$state/releases.pub" -s "$state/releases.key" >/dev/null
start releases /usr/bin/python3 "$project/tests/fixtures/release_server.py" "$state/certs/tls.pem" "$state/certs/tls.key" "$releases"
until_works releases grep -q . "$state/log/releases.log"
address=https://localhost:$(head -n 1 "$state/log/releases.log") key=$(tail -n 1 "$state/releases.pub")
this=$("$helper" version) && this=${this##* }
next=${this%?}9

publish() { # VERSION PROGRAM
  local tree=$state/tree-$1
  mkdir -p "$tree/packaging"
  cp "$project"/{README.md,CHANGELOG.md,LICENSE-MIT,LICENSE-APACHE,install.ps1} "$tree/"
  cp "$project/packaging"/release* "$tree/packaging/"
  sed "s/^version = .*/version = \"$1\"/" "$project/Cargo.toml" >"$tree/Cargo.toml"
  sed "s|^RELEASES=.*|RELEASES=$address|; s|^PUBLIC_KEY=.*|PUBLIC_KEY=$key|" "$project/install.sh" >"$tree/install.sh"
  mkdir -p "$releases/download/v$1"
  LICENCES=$project/LICENSE-MIT SOURCE_DATE_EPOCH=1700000000 MINISIGN_KEY=$state/releases.key \
    "$tree/packaging/release.sh" "$releases/download/v$1" "$(uname -m)-unknown-linux-musl=$2" >"$state/log/release-$1" 2>&1
  mkdir -p "$releases/latest"
  rm -rf "$releases/latest/download"
  cp -r "$releases/download/v$1" "$releases/latest/download"
}

LC_ALL=C sed "s/${this//./\\.}/$next/g" "$program" >"$state/next-program"
publish "$this" "$program"

export HOME=/home/me PATH=/home/me/.local/bin:$PATH
mkdir -p "$HOME/.config/containers"
printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$registry" >"$HOME/.config/containers/registries.conf"
(cd "$HOME" && find . | sort) >"$state/home-before"

# shellcheck disable=SC2016 # the shell inside expands it
by_script() { # [OPTION]...
  inside sh -c 'curl -fsSL "$0/latest/download/install.sh" | sh -s -- "$@"' "$address" "$@"
}
log_in() { # ACCOUNT
  inside ensign login "$registry" -u "$1" --password-stdin <"$state/passwords/$1"
}

says "^Its signature and checksum are right" -- by_script
works -- log_in alice
works -- log_in bob
works -- inside ensign configure-docker
goes_as alice -- podman push "$registry/alice/app:1"
goes_as bob -- podman push "$registry/bob/app:1"

# The program finds releases by an address and a key that are compiled in. The config replaces this address and key by
# the test's.
jq --arg address "$address" --arg key "$key" '.releases = {address: $address, key: $key}' "$HOME/.config/ensign/config.json" >"$state/config"
cp "$state/config" "$HOME/.config/ensign/config.json"
says "^Ensign $this " -- inside ensign update --check
publish "$next" "$state/next-program"
fails 7 "^Ensign $next .* $this" -- inside ensign update --check
says "Ensign $next is installed; $this is kept" -- inside ensign update
says "ensign $next" -- inside ensign version
goes_as alice -- podman push "$registry/alice/app:1"
says "Ensign $this is installed; $next is kept" -- inside ensign update --rollback
says "ensign $this" -- inside ensign version
goes_as bob -- podman push "$registry/bob/app:1"

# The uninstaller prints which folders to remove by hand. Removing these folders leaves nothing behind.
says 'Your accounts stay' -- by_script --uninstall
works -- inside rm -r /home/me/.config/ensign /home/me/.local
nothing_left() { (cd "$HOME" && find . | sort) | diff "$state/home-before" -; }
works -- nothing_left
umount /home "$machine/proc"
