# shellcheck shell=bash disable=SC2154
# Functions of device.sh and renewal.sh, for Ensign, the OpenID provider, and a browser that answers the provider's
# page.

[ -e "$state/oidc" ] || skip_rest "there is no oidc-provider"
needs chromium
needs_ensign

# Logs in with --json, while the browser follows the link in the event. Returns Ensign's exit status.
log_in() { # approve|deny ACCOUNT CLIENT [WORD]...
  begin "${@:3}" --json
  if is_told '"event":"code"'; then browser "$1" "$2" "$(complete_link)"; fi
  end
}

# Logs in with the text output: the browser opens the link and types the code.
log_in_reading() { # ACCOUNT CLIENT
  begin "$2"
  if is_told ' Code  '; then
    browser approve "$1" "$(sed -n 's/^ *Link  //p' said)" "$(sed -n 's/^ *Code  //p' said)"
  fi
  end
}

# Logs in, but nobody answers the provider's page.
log_in_alone() { # CLIENT [WORD]...
  begin "$@"
  end
}

# Starts a login with stdout in the file `told` and stderr in the file `said`.
begin() { # CLIENT [WORD]...
  "$helper" login "$registry" --device --issuer "$issuer" --client-id "$1" --no-browser "${@:2}" >told 2>said &
  login=$!
}

is_told() { # TEXT
  until grep -qF -- "$1" told said; do
    kill -0 "$login" 2>/dev/null || return
    sleep 0.1
  done
}

end() {
  local status=0
  wait "$login" || status=$?
  cat told said
  return $status
}

complete_link() {
  jq -r 'select(.event == "code").verification_uri_complete' told
}

browser() { # approve|deny ACCOUNT LINK [CODE]
  node "$state/oidc/approve.mjs" "$3" "$1" "$2" "${@:4}" >browsed 2>&1 || cat browsed
}

lose_network() {
  ip route add unreachable 127.0.0.5 table local
}

find_network() {
  ip route del unreachable 127.0.0.5 table local
}

# Prints the provider's events of this name.
events() { # NAME
  jq -r "select(.event == \"$1\") | [.client, .account, .kind, .reason] | map(values) | join(\" \")" "$state/log/oidc-events"
}

secrets() { # ACCOUNT FIELD
  jq -r ".secrets[\"$1\"].$2" "$HOME/.local/share/ensign/secrets/${registry/:/%3a}.json" 2>&1 || true
}

impatient_polls() {
  jq -se 'map(select(.impatient)) | .[]' "$state/log/oidc-events"
}

# Runs a command on a terminal. type_keys types into it, and the file `screen` contains its output.
on_terminal() { # COMMAND
  rm -f keys screen opened settings-*
  mkfifo keys
  TERM=xterm script -qefc "trap : INT; stty -g >settings-before; $1; echo \"[\$?]\"; stty -g >settings-after" screen \
    <keys >typed &
  terminal=$!
  exec 9>keys
}

type_keys() { # KEYS, in printf's notation
  # shellcheck disable=SC2059
  printf "$1" >&9
}

is_shown() { # TEXT
  until grep -qsF -- "$1" screen; do
    kill -0 "$terminal" 2>/dev/null || return
    sleep 0.1
  done
}

# Prints the screen and the command's status in brackets. Fails if the command did not restore the terminal's settings.
end_of_terminal() {
  exec 9>&-
  wait "$terminal" || true
  tr '\r' '\n' <screen | sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g'
  cmp settings-before settings-after &&
    [ "$(grep -oF $'\e[?25l' screen | wc -l)" -le "$(grep -oF $'\e[?25h' screen | wc -l)" ]
}
