# shellcheck shell=bash disable=SC2016,SC2154
# The packages of a release. Package tools check each package. Each package is then installed on a machine with nothing
# else, used with two accounts, upgraded, and removed without a trace.

needs_ensign
needs dpkg-deb
needs rpmbuild
needs lintian
needs makepkg
[ -e "$tools/debian-root.tar" ] || skip_rest "there is no Debian root"
packaging=$here/../../packaging
releases=$(sed -n "s/^RELEASES=//p" "$packaging/release.facts")
package=docker-credential-ensign
arch=$(uname -m)
target=$arch-unknown-linux-musl
debian_arch=$(dpkg --print-architecture)

# A release with this program for every target, and a newer one.
others=()
for other in {x86_64,aarch64}-unknown-linux-musl x86_64-pc-windows-gnu {x86_64,aarch64}-apple-darwin; do others+=("$other=$program"); done
echo 'the licences of others' >licences
export LICENCES=$PWD/licences
export patience=300 # for a busy machine
works -- "$packaging/release.sh" all "${others[@]}"
works -- "$packaging/release.sh" release "$target=$program"
version=$(basename release/*.tar.gz "-$target.tar.gz") version=${version#ensign-}
mkdir next
tar -xzf release/*.tar.gz
mv "ensign-$version-$target" "ensign-99.0.0-$target"
tar -czf "next/ensign-99.0.0-$target.tar.gz" "ensign-99.0.0-$target"
(cd next && sha256sum -- *.tar.gz >SHA256SUMS)
works -- env CA_BUNDLE="$SSL_CERT_FILE" "$packaging/packages.sh" one release deb rpm image
works -- env CA_BUNDLE="$SSL_CERT_FILE" "$packaging/packages.sh" two release deb rpm image
works -- "$packaging/packages.sh" three next deb rpm
works -- "$packaging/packages.sh" manifests all manifests
says '^2 packages$' -- sh -c 'diff -r one two && echo $(grep -c . one/PACKAGES_SHA256SUMS) packages'
deb=${package}_${version}_$debian_arch.deb rpm=$package-$version-1.$arch.rpm
listed() { { dpkg-deb -c "one/$deb" && rpm -qlp "one/$rpm"; } | grep -c /LICENSE-THIRD-PARTY; }
says '^2$' -- listed
works -- lintian --fail-on warning,error "one/$deb"
says ' 0 errors, 0 warnings' -- rpmlint --config "$here/packages/rpmlint.toml" "one/$rpm"

# Makes a root folder in memory with Docker's client. The test's folder is mounted there at the same path.
root=/mnt/root
mount -t tmpfs tmpfs /mnt
mkdir $root
tar -xf "$tools/debian-root.tar" -C $root
cp "$(command -v docker)" $root/usr/bin/
cp /etc/hosts $root/etc/hosts
mkdir -p "$root$state"
mount -t proc proc $root/proc
mount --bind "$state" "$root$state"
in_root() {
  env PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive chroot $root "$@"
}
as_person() {
  env -i HOME=/tmp/person PATH=/tmp/person/.local/bin:/usr/sbin:/usr/bin chroot --userspec 1000:1000 $root "$@"
}

# Lists all files of the machine with owner, mode, size and target, except the package manager's own files.
files() {
  find $root -xdev \( -path "$root$state" -o -path $root/tmp -o -path $root/var/lib/rpm -o -path $root/var/lib/dpkg -o \
    -path $root/var/lib/apt -o -path $root/var/cache -o -path $root/var/log \) -prune -o \
    \( -type d -printf '%p %u %m\n' -o -printf '%p %u %m %s %l\n' \) | sort
}
unchanged() { files | diff before - && echo unchanged; }

a_life_with() { # INSTALL UPGRADE REMOVE RENEWAL, functions and a line
  new_home nothing
  files >before
  works -- "$1"
  says "^$4\$" -- cat $root/usr/lib/ensign/installed-by
  says "^$package \(ensign\) [0-9]" -- in_root $package version
  says "^docker-ensign \(ensign\) [0-9]" -- in_root docker ensign version
  says 'ensign - ' -- sh -c "zcat $root/usr/share/man/man1/$package.1.gz | mandoc -T utf8 | col -b"
  says '^complete -F _ensign ensign' -- cat $root/usr/share/bash-completion/completions/$package
  fails 1 "run .$4" -- in_root ensign update
  refused -- test -e "$HOME/.docker/config.json" -o -e "$HOME/.config/ensign"
  goes_as alice -- login alice in_root ensign login "$registry"
  goes_as bob -- login bob in_root ensign login "$registry"
  works -- in_root ensign configure-docker
  cp "$HOME/.docker/config.json" config.json
  for me in alice bob; do goes_as $me -- in_root docker push "$registry/$me/app:1"; done
  files >used
  says '^untouched$' -- sh -c "comm -23 before used | grep . || echo untouched"
  # A person who cannot write to the program's folder gets pins in their own folder.
  mkdir -p $root/tmp/person/.local/bin
  chown -R 1000:1000 $root/tmp/person
  printf '{"ServerURL":"ghcr.io","Username":"%s","Secret":"no"}' erin | as_person $package store
  printf '{"ServerURL":"ghcr.io","Username":"%s","Secret":"no"}' frank | as_person $package store
  says 'Made ~/.local/bin/docker-credential-ensign-erin' -- as_person ensign pin erin
  says '"Username":"erin"' -- as_person sh -c "echo ghcr.io | $package-erin get"
  rm -r $root/tmp/person

  works -- "$2"
  for me in alice bob; do goes_as $me -- in_root docker push "$registry/$me/app:1"; done
  works -- "$3"
  refused -- in_root $package version
  says '^unchanged$' -- unchanged
  works -- cmp config.json "$HOME/.docker/config.json" # a removal keeps the person's settings
}

install_deb() { in_root apt-get install -y -q --no-install-recommends "$PWD/one/$deb"; }
upgrade_deb() { in_root apt-get install -y -q --no-install-recommends "$PWD/three/${package}_99.0.0_$debian_arch.deb" &&
  in_root dpkg-query -W $package | grep 99.0.0; }
remove_deb() { in_root apt-get purge -y -q $package; }
file=${package}_VERSION_$debian_arch.deb
a_life_with install_deb upgrade_deb remove_deb \
  "curl -fsSLO $releases/download/vVERSION/$file && sudo apt install ./$file"

rpm_in_root() { rpm --root $root --dbpath /var/lib/rpm "$@"; }
install_rpm() { rpm_in_root --initdb && rpm_in_root --force-debian --install "one/$rpm"; }
upgrade_rpm() { rpm_in_root --force-debian --upgrade "three/$package-99.0.0-1.$arch.rpm" && rpm_in_root -q $package | grep 99.0.0; }
remove_rpm() { rpm_in_root --force-debian --erase $package; }
mkdir -p $root/usr/share/licenses # Fedora's package `filesystem` contains this folder
a_life_with install_rpm upgrade_rpm remove_rpm "sudo dnf install $releases/download/vVERSION/$package-VERSION-1.$arch.rpm"
umount "$root$state" $root/proc

# The image contains only its own files, and trusts its certificates.
works -- skopeo copy -q "oci:one/image:$version" containers-storage:localhost/packed:1
container=$(buildah from --pull-never localhost/packed:1)
image=$(buildah mount "$container")
says '^/docker-credential-ensign /etc/ssl/certs/ca-certificates.crt /licenses/LICENSE-APACHE /licenses/LICENSE-MIT /licenses/LICENSE-THIRD-PARTY$' -- sh -c "cd $image && echo \$(find . -type f | sort | cut -c 2-)"
cp /etc/hosts "$image/etc/hosts"
check_in_image() {
  env -i "ENSIGN_LOGIN_X=ghcr.io alice $(cat "$state/passwords/alice")" /usr/sbin/chroot "$image" /$package check ghcr.io/alice/base:1
}
says 'ghcr.io accepts the account x, which may pull' -- check_in_image
buildah rm "$container" >/dev/null

# Checks the manifests with the tools that read them.
cd manifests
mkdir archive
tar -xzf "../all/ensign-$version-$target.tar.gz" -C archive --strip-components 1
works -- ruby -wc homebrew/$package.rb
says "^ensign-$version-$target.tar.gz\$" -- ruby "$here/packages/formula.rb" homebrew/$package.rb archive "$PWD/homebrew/prefix"
works -- jq . scoop/$package.json
works -- /usr/bin/python3 -c 'import sys, yaml; [yaml.safe_load(open(name)) for name in sys.argv[1:]]' winget/*
works -- shellcheck -s bash -e SC2034,SC2154,SC2164 aur/PKGBUILD
works -- shellcheck -s sh -e SC2034,SC2154,SC2164,SC3043 alpine/APKBUILD
flake() {
  nix-instantiate --eval --strict --json --arg flake ./nix/flake.nix "$here/packages/evaluate.nix" |
    jq -r '.packages | [(."x86_64-linux".default | .pname + " " + .version), "\(length) systems"] | join(", ")'
}
says "^$package $version, 4 systems\$" -- flake

# Lists the names of a folder's completions, manual pages and programs.
texts() { # FOLDER
  (cd "$1" && find . ! -type d \( -path '*/man/*' -o -path '*completions*' -o -path '*/site-functions/*' -o -path './usr/bin/*' -o \
    -path '*autoload*' -o -path '*/elvish/*' -o -path '*/ensign/*' \) -printf '%f\n' | sed 's/\.gz$//' | LC_ALL=C sort)
}
mkdir -p rpm alpine/{src,pkg} /mnt/aur
rpm2cpio "../one/$rpm" | bsdtar -xf - -C rpm
texts rpm >rpm.texts
same_as_homebrew() { # Homebrew's files have other names, and Homebrew has completions for four shells only
  diff <(grep -vE '\.(nu|elv)$|^docker-credential-ensign(\.fish)?$|^ensign\.(fish|ps1)$|^ensign$|^_ensign$' rpm.texts) \
    <(texts homebrew/prefix | grep -vE '^_?ensign(\.fish|\.ps1)?$|^docker-credential-ensign(\.fish)?$')
}
works -- same_as_homebrew

cp -r aur/. ../all/*-linux-musl.tar.gz /mnt/aur/
chown -R nobody /mnt/aur
as_nobody() { (cd /mnt/aur && setpriv --reuid nobody --regid nogroup --clear-groups env HOME=/mnt/aur PACMAN=true PATH=/usr/bin:/bin "$@"); }
works -- as_nobody makepkg --nodeps --noconfirm
works -- diff aur/.SRCINFO <(as_nobody makepkg --printsrcinfo)
works -- diff rpm.texts <(texts /mnt/aur/pkg/$package-bin)

tar -xzf "../all/ensign-$version-$target.tar.gz" -C alpine/src
# Runs the functions of the APKBUILD, because only Alpine has abuild.
as_abuild() (
  set -eu
  export CARCH=$arch srcdir=$PWD/alpine/src pkgdir=$PWD/alpine/pkg
  exec dash -euc '. alpine/APKBUILD; cd "$builddir"; check; package'
)
works -- as_abuild
works -- diff rpm.texts <(texts alpine/pkg)
umount /mnt
