# shellcheck shell=bash disable=SC2154
# The words of device.sh and renewal.sh: Ensign, the OpenID provider, and a browser that answers its page.

[ -e "$state/oidc" ] || skip_rest "there is no oidc-provider"
needs chromium
needs_ensign

# Logs in while the browser follows the link of the JSON event; ends as Ensign does.
log_in() { # approve|deny ACCOUNT CLIENT [WORD]...
  begin "${@:3}" --json
  if is_told '"event":"code"'; then browser "$1" "$2" "$(complete_link)"; fi
  end
}

# The same from the words for people: the link is opened and the code typed.
log_in_reading() { # ACCOUNT CLIENT
  begin "$2"
  if is_told ' Code  '; then
    browser approve "$1" "$(sed -n 's/^ *Link  //p' said)" "$(sed -n 's/^ *Code  //p' said)"
  fi
  end
}

# Nobody answers.
log_in_alone() { # CLIENT [WORD]...
  begin "$@"
  end
}

# What it tells goes to the files told and said.
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

# What the provider has seen.
events() { # NAME
  jq -r "select(.event == \"$1\") | [.client, .account, .kind, .reason] | map(values) | join(\" \")" "$state/log/oidc-events"
}

secrets() { # ACCOUNT FIELD
  jq -r ".secrets[\"$1\"].$2" "$HOME/.local/share/ensign/secrets/${registry/:/%3a}.json" 2>&1 || true
}

impatient_polls() {
  jq -se 'map(select(.impatient)) | .[]' "$state/log/oidc-events"
}

# Gives a person's terminal to a command: keys NAME types there, and the file screen holds what it shows.
on_terminal() { # COMMAND
  rm -f keys screen opened settings-*
  mkfifo keys
  TERM=xterm script -qefc "trap : INT; stty -g >settings-before; $1; echo \"[\$?]\"; stty -g >settings-after" screen \
    <keys >typed &
  terminal=$!
  exec 9>keys
}

type_keys() { # KEYS, as printf writes them
  # shellcheck disable=SC2059
  printf "$1" >&9
}

is_shown() { # TEXT
  until grep -qsF -- "$1" screen; do
    kill -0 "$terminal" 2>/dev/null || return
    sleep 0.1
  done
}

# Prints the screen and the command's status in brackets; fails if the terminal is not left as it was.
end_of_terminal() {
  exec 9>&-
  wait "$terminal" || true
  tr '\r' '\n' <screen | sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g'
  cmp settings-before settings-after &&
    [ "$(grep -oF $'\e[?25l' screen | wc -l)" -le "$(grep -oF $'\e[?25h' screen | wc -l)" ]
}
