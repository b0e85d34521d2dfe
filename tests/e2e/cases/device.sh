# shellcheck shell=bash disable=SC2016,SC2154
# Logins in a browser (RFC 8628) at an OpenID provider whose access tokens the registry accepts, and logouts.

# shellcheck source=/dev/null
. "$here/oidc/words.sh"

# Starts a login at a provider that hangs up. The login fails after half a minute, while the other cases run.
give_up() {
  mkdir gone
  cd gone || return
  local status=0
  log_in_alone hangs-up >output 2>&1 || status=$?
  echo $status >status
}

has_given_up() {
  until [ -e gone/status ]; do sleep 0.2; done
  cat gone/output
  return "$(cat gone/status)"
}

log_in_once_slowed_down() { # ACCOUNT CLIENT
  begin "$2" --json
  is_told '"reason":"slow_down"'
  browser approve "$1" "$(complete_link)"
  end
}

log_in_when_the_network_is_back() { # ACCOUNT CLIENT
  begin "$2" --json
  is_told '"event":"code"'
  lose_network
  is_told '"reason":"out_of_reach"'
  find_network
  browser approve "$1" "$(complete_link)"
  end
}

# The menu offers the provider that the user's config sets for the registry. A fake xdg-open stores the link.
log_in_from_menu() { # ACCOUNT
  on_terminal "env --default-signal=INT $helper login $registry" # because a command in the background ignores SIGINT
  is_shown 'In the browser'
  type_keys '\r'
  until [ -s opened ] || ! kill -0 "$terminal"; do sleep 0.1; done
  browser approve "$1" "$(cat opened)"
  end_of_terminal
}

interrupt() { # TEXT...; types ENTER after each text, and Ctrl-C after the last
  on_terminal "env --default-signal=INT $helper login $registry" # because a command in the background ignores SIGINT
  while [ $# -gt 1 ]; do
    is_shown "$1"
    type_keys '\r'
    shift
  done
  is_shown "$1"
  type_keys '\003'
  end_of_terminal
}

offer_provider() {
  mkdir -p "$HOME/.config/ensign" "$HOME/bin"
  jq -n --arg host "$registry" --arg issuer "$issuer" '{version: 3, registries: {}, providers: {acme: {title: "Acme",
    hosts: [$host], issuer: $issuer, client_id: "ensign", scope: "openid profile offline_access",
    username: {claim: ["preferred_username"]}}}}' >"$HOME/.config/ensign/config.json"
  printf '#!/bin/sh\necho "$1" >"%s/opened"\n' "$PWD" >"$HOME/bin/xdg-open"
  chmod +x "$HOME/bin/xdg-open"
  PATH=$HOME/bin:$PATH
}

# Tells whether the account's access token is still valid at the provider.
access_token_is_active() {
  curl -sS -u registry:registry -d token="$access" "$issuer/token/introspection" | jq .active
}

answer_to_refresh_token() {
  curl -sS -d client_id=ensign -d grant_type=refresh_token -d refresh_token="$refresh" "$issuer/token" | jq -r '.error // "ok"'
}

new_home credHelpers
give_up &

says '"status":"success"' -- log_in approve alice ensign
says '^✓ .*bob' -- log_in_reading bob ensign
for me in alice bob alice; do
  goes_as $me -- docker push "$registry/$me/app:1"
  goes_as $me -- docker pull "$registry/$me/app:1"
done
says 'accepts the account bob, which may push' -- "$helper" check "$registry/bob/app:1" --push

for logout in "docker logout $registry" "$helper logout $registry -u bob"; do
  me=alice
  [[ $logout != *bob ]] || me=bob
  access=$(secrets $me secret) refresh=$(secrets $me refresh)
  says '^true$' -- access_token_is_active
  # shellcheck disable=SC2086
  works -- $logout
  says "^ensign $me RefreshToken" -- events revoked
  says '^false$' -- access_token_is_active
  says '^invalid_grant$' -- answer_to_refresh_token
  refused -- docker push "$registry/$me/app:1"
done

new_home credHelpers
says '"status":"success"' -- log_in_once_slowed_down alice hangs-up-and-slows-down
refused -- impatient_polls
says '"status":"success"' -- log_in_when_the_network_is_back bob ensign
goes_as bob -- docker push "$registry/bob/app:1"
works -- lose_network
says '`127\.0\.0\.5:5003`' -- "$helper" logout "$registry" -u bob
fails 1 '127\.0\.0\.5:5003`' -- log_in_alone ensign
works -- find_network

new_home credHelpers
offer_provider
says '^\[130\]$' -- interrupt 'In the browser'
says '\[130\]$' -- interrupt 'In the browser' 'Waiting for Acme'
not_found "$registry"
says '✓ Logged in .* alice' -- log_in_from_menu alice
goes_as alice -- docker push "$registry/alice/app:1"

new_home credHelpers
fails 3 'refused at' -- log_in deny alice ensign
fails 3 'code expired' -- log_in_alone three-second-codes
not_found "$registry"
fails 1 'out of reach' -- has_given_up
