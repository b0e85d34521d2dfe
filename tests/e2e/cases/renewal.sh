# shellcheck shell=bash disable=SC2034,SC2154
# Two accounts whose tokens live for five seconds, and fifty clients that use them at once.

# shellcheck source=/dev/null
. "$here/oidc/words.sh"

minute=${ENSIGN_STRESS_SECONDS:-60}
patience=$((minute + 60))

under_stress() { # SECONDS gently|killing
  /usr/bin/python3 "$here/oidc/stress.py" "$@"
}

figures() {
  [ -z "${output:-}" ] || sed 's/^/     /' "$output"
}

new_home credHelpers
for me in alice bob; do
  says '"status":"success"' -- log_in approve $me five-second-tokens
done
works -- under_stress "$minute" gently
figures
works -- under_stress $((minute / 4)) killing
figures
for me in alice bob; do
  goes_as $me -- docker push "$registry/$me/app:1"
done
