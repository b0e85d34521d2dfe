# shellcheck shell=bash disable=SC2016,SC2154
# `docker ensign` in two versions of Docker's CLI, and its hint after a refused push.

needs_ensign

as_plugin() { # makes the program a plugin of Docker in the current home
  mkdir -p "$HOME/.docker/cli-plugins"
  ln -s "$program" "$HOME/.docker/cli-plugins/docker-ensign"
}

on_terminal() { # COMMAND [FILE], whose text is typed
  if [ -n "${2:-}" ]; then
    # Types after the prompt appears, because the program may discard earlier input.
    { sleep 1.5 && cat "$2" && echo && sleep 1; } | TERM=xterm script -qefc "$1" /dev/null
  else
    TERM=xterm script -qefc "$1" /dev/null </dev/null
  fi
}

ends_in_days() { # ACCOUNT DAYS: sets the expiry, as a registry does at the login
  local file=$HOME/.local/share/ensign/secrets/${registry/:/%3a}.json edited
  edited=$(jq --arg account "$1" --argjson moment $((EPOCHSECONDS + $2 * 86400)) \
    '.secrets[$account] |= {secret: (if type == "object" then .secret else . end), until: $moment}' "$file") || return 1
  echo "$edited" >"$file"
}

metadata() { # `docker info` also lists a plugin with invalid metadata
  "$1" info --format '{{json .ClientInfo.Plugins}}' 2>/dev/null | jq -r '.[] | select(.Name == "ensign") | "\(.Vendor) \(.Err)"'
}

for docker in $(printf '%s\n' "$(command -v docker)" /usr/bin/docker | sort -u); do
  new_home nothing bob alice
  as_plugin
  says '^Ensign null$' -- metadata "$docker"
  says '^  ensign\*? +Many accounts per registry' -- "$docker" help
  says '^Usage: docker ensign ' -- "$docker" help ensign
  says '^Usage: docker ensign ' -- "$docker" ensign --help
  says '^Usage: docker ensign switch' -- "$docker" help ensign switch
  says '^Usage: docker ensign switch' -- "$docker" ensign switch --help
  says '^alice$' -- user_at "$registry" # the help switched nothing
  says "^$registry" -- "$docker" ensign status
  works -- "$docker" ensign switch "$registry" bob
  says '^bob$' -- user_at "$registry"
  says '^alice' -- "$docker" --context default -l=info ensign which "$registry/alice/app:1"
  fails 2 'no command .nonsense' -- "$docker" ensign nonsense
  fails 3 'docker ensign login nowhere.example' -- "$docker" -D ensign which nowhere.example/a/b

  # Completion changes nothing. Debian's old docker asks no plugins for completions.
  works -- "$docker" __complete ensign logout "$registry"
  works -- "$docker" __complete ensign switch "$registry" alice
  says '^bob$' -- user_at "$registry"
  case $("$docker" version --format '{{.Client.Version}}') in
  20.*) ;;
  *)
    says '^switch.Change' -- "$docker" __complete ensign sw
    says '^alice.alice on' -- "$docker" __complete ensign switch "$registry" al
    ;;
  esac

  # Commands with questions work on a terminal.
  says "Default of .*: bob → alice" -- on_terminal "$docker ensign switch $registry"
  says 'Logged in .* alice' -- on_terminal "$docker ensign login $basic -u alice" "$state/passwords/alice"

  # `configure-docker` changes Docker's config, also if only docker's command line names its folder.
  works -- "$docker" ensign configure-docker
  goes_as bob -- "$docker" push "$registry/bob/app:1"
  mkdir "$HOME/other"
  ln -s "$HOME/.docker/cli-plugins" "$HOME/other/cli-plugins"
  works -- "$docker" --config "$HOME/other" ensign configure-docker
  works -- "$docker" ensign configure-docker --undo
  refused -- "$docker" push "$registry/bob/app:1"
  goes_as bob -- "$docker" --config "$HOME/other" push "$registry/bob/app:1"

  # After a refused push, docker shows the next command. Old versions keep the setting but show nothing.
  works -- "$docker" ensign configure-docker --hooks
  works -- login alice "$docker" login "$registry" # docker rewrites its config
  says '"login,pull,push' -- cat "$HOME/.docker/config.json"
  case $("$docker" version --format '{{.Client.Version}}') in
  20.*)
    fails 1 'denied: requested' -- on_terminal "$docker push $registry/carol/app:1"
    ;;
  *)
    fails 1 "docker ensign which --push $registry/carol/app:1" -- on_terminal "$docker push $registry/carol/app:1"
    fails 1 "docker ensign check --push $registry/carol/app:1" -- on_terminal "$docker image push $registry/carol/app:1"
    fails 1 "docker ensign check $registry/carol/base:1" -- on_terminal "$docker pull $registry/carol/base:1"
    fails 1 "docker ensign login $registry" -- on_terminal "$docker login -u alice -p wrong $registry"
    says '^0$' -- sh -c "script -qec '$docker push $registry/alice/app:1' /dev/null | grep -c ensign || true"
    says '^0$' -- sh -c "script -qec '$docker push $registry/alice/none:1' /dev/null | grep -c ensign || true"
    # A secret that expires soon is reported after every push. An expired secret is reported only after a refused push.
    works -- ends_in_days alice 3
    soon="alice on $registry .* 3 days → docker ensign login $registry --alias alice"
    says "$soon" -- on_terminal "$docker push $registry/alice/app:1"
    fails 1 "$soon" -- on_terminal "$docker push $registry/carol/app:1"
    says '^0$' -- sh -c "$docker push $registry/alice/app:1 | grep -c ensign || true" # not on a terminal
    works -- ends_in_days alice 30
    says '^0$' -- sh -c "script -qec '$docker push $registry/alice/app:1' /dev/null | grep -c ensign || true"
    ;;
  esac
  works -- "$docker" ensign configure-docker --undo
  refused -- grep -qE 'hooks|plugins' "$HOME/.docker/config.json"
done
