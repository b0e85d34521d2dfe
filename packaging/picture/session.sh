# shellcheck shell=bash disable=SC2154 # state, tools, program and SCREEN come from tests/e2e/run.sh
# Types the session into a terminal and writes the screen with its bold words to the file SCREEN. Runs inside the
# namespaces of tests/e2e/run.sh.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../tests/e2e" && pwd)
# shellcheck source=../../tests/e2e/services.sh
. "$here/services.sh"
export accounts='me me-acme'

# Makes an image with the same digest each time, under each NAME that the session pushes.
make_image() { # NAME...
  local folder=$state/image name
  mkdir "$folder"
  (
    cd "$folder"
    echo hello >hello.txt
    set -- --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0
    tar "$@" -cf layer.tar hello.txt
    layer=$(sha256sum layer.tar | cut -d ' ' -f 1)
    printf '{"architecture":"amd64","os":"linux","created":"1970-01-01T00:00:00Z","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
      "$layer" >config.json
    printf '[{"Config":"config.json","RepoTags":["localhost/hello:1"],"Layers":["layer.tar"]}]' >manifest.json
    tar "$@" -cf image.tar manifest.json config.json layer.tar
  )
  docker load -q -i "$folder/image.tar" >"$state/log/load-image"
  for name; do docker tag localhost/hello:1 "$name"; done
}

terminal() { tmux -S "$state/tmux" "$@"; }
shown() { terminal capture-pane -p -t picture; }

until_shown() { # TEXT TIMES
  local tries=0
  until [ "$(shown | grep -cF -- "$1")" -ge "$2" ]; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || { shown >&2 && echo "picture: \`$1\` was not shown" >&2 && exit 1; }
    sleep 0.1
  done
}

prompts=0
# Types a command, and each answer once the terminal shows its question.
types() { # COMMAND [QUESTION ANSWER]...
  prompts=$((prompts + 1))
  until_shown '$' $prompts
  terminal send-keys -t picture -l "$1"
  terminal send-keys -t picture Enter
  shift
  while [ $# -gt 0 ]; do
    until_shown "$1" 1
    sleep 0.6 # until the program reads single keys
    terminal send-keys -t picture -l "$2"
    terminal send-keys -t picture Enter
    shift 2
  done
}

mkdir -p "$state/members"
echo acme >"$state/members/me-acme"
start_services
mkdir -p "$state/picture" "$state/home/.docker" "$state/run"
chmod 700 "$state/run"
make_image ghcr.io/acme/app ghcr.io/me/app
for name in docker-credential-ensign ensign; do ln -s "$program" "$state/picture/$name"; done
for name in docker bash; do ln -s "$(command -v $name)" "$state/picture/$name"; done

cat >"$state/session" <<END
printf pw | gnome-keyring-daemon --unlock --components=secrets >"$state/log/keyring" 2>&1
exec env PATH="$state/picture" PS1='\$ ' bash --norc --noprofile 2>&1
END
env -i HOME="$state/home" XDG_RUNTIME_DIR="$state/run" LANG=C.UTF-8 PATH="$PATH" SHELL=/bin/bash \
  DOCKER_HOST="$DOCKER_HOST" SSL_CERT_FILE="$SSL_CERT_FILE" \
  tmux -S "$state/tmux" new-session -d -s picture -x 100 -y 70 "dbus-run-session -- bash $state/session 2>$state/log/session"

types 'ensign login ghcr.io' 'Open it' no 'Username' me 'token of me' "$(cat "$state/passwords/me")" 'Add the line' yes
types 'ensign login ghcr.io/acme -u me-acme' 'token of me-acme' "$(cat "$state/passwords/me-acme")"
types 'docker push ghcr.io/acme/app'
types 'docker push ghcr.io/me/app'
types 'ensign which ghcr.io/acme/app'
types 'ensign status'
until_shown '$' 7
terminal capture-pane -e -p -t picture >"$SCREEN"
terminal kill-server
