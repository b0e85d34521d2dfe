# shellcheck shell=bash disable=SC2154
# An OpenID provider whose page a browser answers, and whose access tokens the registry takes.

[ -e "$state/oidc" ] || skip_rest "there is no oidc-provider"
needs chromium

# The last answers are in the files code and tokens.
ask_for_code() { # CLIENT
  post device/auth "$1" scope=openid+offline_access >code && jq -e .device_code code
}

browser() { # approve|deny ACCOUNT
  node "$state/oidc/approve.mjs" "$(jq -r .verification_uri_complete code)" "$@"
}

browser_typing_code() { # approve|deny ACCOUNT
  node "$state/oidc/approve.mjs" "$(jq -r .verification_uri code)" "$@" "$(jq -r .user_code code)"
}

poll() { # CLIENT
  grant "$1" grant_type=urn:ietf:params:oauth:grant-type:device_code device_code="$(jq -r .device_code code)"
}

sign_in() { # CLIENT ACCOUNT
  ask_for_code "$1" && browser approve "$2" && poll "$1"
}

renew() { # CLIENT [TOKENS]
  grant "$1" grant_type=refresh_token refresh_token="$(jq -r .refresh_token "${2:-tokens}")"
}

revoke() { # CLIENT
  post token/revocation "$1" token="$(jq -r .refresh_token tokens)"
}

registry_takes_token_of() { # ACCOUNT
  curl -fsS -u "$1:$(jq -r .access_token tokens)" "http://localhost:5002/token?service=e2e"
}

events() { # NAME
  jq -r "select(.event == \"$1\") | [.client, .account, .reason] | map(values) | join(\" \")" "$state/log/oidc-events"
}

lose_network() {
  ip route add unreachable 127.0.0.5 table local
}

find_network() {
  ip route del unreachable 127.0.0.5 table local
}

# Prints "ok", or what was wrong.
grant() { # CLIENT NAME=VALUE...
  local answer
  answer=$(post token "$@") || return
  jq -r '.error // "ok"' <<<"$answer"
  if jq -e .access_token >/dev/null <<<"$answer"; then echo "$answer" >tokens; fi
}

post() { # PATH CLIENT NAME=VALUE...
  local fields=("client_id=$2" "${@:3}")
  curl -sS "$issuer/$1" "${fields[@]/#/-d}"
}

works -- ask_for_code ensign
says '^authorization_pending$' -- poll ensign
says '^ok$' -- browser approve alice
says '^ok$' -- poll ensign
goes_as alice -- registry_takes_token_of alice
refused -- registry_takes_token_of bob

works -- cp tokens first
says '^ok$' -- renew ensign
goes_as alice -- registry_takes_token_of alice
says '^invalid_grant$' -- renew ensign first
says '^ensign refresh token already used$' -- events refused
refused -- registry_takes_token_of alice

works -- sign_in ensign bob
goes_as bob -- registry_takes_token_of bob
works -- revoke ensign
says '^ensign bob$' -- events revoked
refused -- registry_takes_token_of bob

works -- ask_for_code ensign
works -- lose_network
refused -- poll ensign
works -- find_network
says '^ok$' -- browser_typing_code deny alice
says '^access_denied$' -- poll ensign

works -- ask_for_code hangs-up-and-slows-down
refused -- poll hangs-up-and-slows-down
says '^slow_down$' -- poll hangs-up-and-slows-down

works -- sign_in five-second-tokens alice
goes_as alice -- registry_takes_token_of alice
works -- ask_for_code three-second-codes
works -- sleep 5
says '^expired_token$' -- poll three-second-codes
refused -- registry_takes_token_of alice
