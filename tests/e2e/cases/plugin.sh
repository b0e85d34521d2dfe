# shellcheck shell=bash disable=SC2016,SC2154
# `docker ensign`, run by Docker's own CLI in two versions, and the word it has about a push that was refused.

needs_ensign

as_plugin() { # runs in a new home: Docker finds the program as its plugin
  mkdir -p "$HOME/.docker/cli-plugins"
  ln -s "$program" "$HOME/.docker/cli-plugins/docker-ensign"
}

on_terminal() { # COMMAND [FILE], whose text is typed
  if [ -n "${2:-}" ]; then
    # It is typed when the prompt is there: what comes before may be thrown away.
    { sleep 1.5 && cat "$2" && echo && sleep 1; } | TERM=xterm script -qefc "$1" /dev/null
  else
    TERM=xterm script -qefc "$1" /dev/null </dev/null
  fi
}

ends_in_days() { # ACCOUNT DAYS: what a registry said at the login
  local file=$HOME/.local/share/ensign/secrets/${registry/:/%3a}.json edited
  edited=$(jq --arg account "$1" --argjson moment $((EPOCHSECONDS + $2 * 86400)) \
    '.secrets[$account] |= {secret: (if type == "object" then .secret else . end), until: $moment}' "$file") || return 1
  echo "$edited" >"$file"
}

metadata() { # docker info knows a plugin that broke the contract too
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
  says '^alice$' -- user_at "$registry" # nothing was switched
  says "^$registry" -- "$docker" ensign status
  works -- "$docker" ensign switch "$registry" bob
  says '^bob$' -- user_at "$registry"
  says '^alice' -- "$docker" --context default -l=info ensign which "$registry/alice/app:1"
  fails 2 'no command .nonsense' -- "$docker" ensign nonsense
  fails 3 'docker ensign login nowhere.example' -- "$docker" -D ensign which nowhere.example/a/b

  # Completion looks and does nothing; Debian's old docker does not ask its plugins.
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

  # On a terminal.
  says "default: bob → alice" -- on_terminal "$docker ensign switch $registry"
  says 'Logged in .* alice' -- on_terminal "$docker ensign login $basic -u alice" "$state/passwords/alice"

  # Docker's own config, also where only its command line says where it is.
  works -- "$docker" ensign configure-docker
  goes_as bob -- "$docker" push "$registry/bob/app:1"
  mkdir "$HOME/other"
  ln -s "$HOME/.docker/cli-plugins" "$HOME/other/cli-plugins"
  works -- "$docker" --config "$HOME/other" ensign configure-docker
  works -- "$docker" ensign configure-docker --undo
  refused -- "$docker" push "$registry/bob/app:1"
  goes_as bob -- "$docker" --config "$HOME/other" push "$registry/bob/app:1"

  # The next step after a push that was refused. Old dockers keep the settings and say nothing.
  works -- "$docker" ensign configure-docker --hooks
  works -- login alice "$docker" login "$registry" # docker writes its config anew
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
    # A secret that ends soon is named also where all went well; one that has ended only where something was refused.
    works -- ends_in_days alice 3
    soon="alice on $registry .* 3 days → docker ensign login $registry --alias alice"
    says "$soon" -- on_terminal "$docker push $registry/alice/app:1"
    fails 1 "$soon" -- on_terminal "$docker push $registry/carol/app:1"
    says '^0$' -- sh -c "$docker push $registry/alice/app:1 | grep -c ensign || true" # no terminal
    works -- ends_in_days alice 30
    says '^0$' -- sh -c "script -qec '$docker push $registry/alice/app:1' /dev/null | grep -c ensign || true"
    ;;
  esac
  works -- "$docker" ensign configure-docker --undo
  refused -- grep -qE 'hooks|plugins' "$HOME/.docker/config.json"
done
