# shellcheck shell=bash disable=SC2154
# Two accounts at once: every pull gets the account of its own image.

twenty_pulls() {
  local pulls=()
  for _ in {1..10}; do
    for me in alice bob; do
      docker pull -q "$registry/$me/base:1" &
      pulls+=($!)
    done
  done
  for pull in "${pulls[@]}"; do wait "$pull" || return 1; done
}

new_home credHelpers alice bob
goes_as alice,bob -- twenty_pulls
