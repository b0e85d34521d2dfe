# shellcheck shell=bash disable=SC2154 # state, tools, program and only come from run.sh, group from drive.sh
# The functions that cases call.
#
# goes_as ACCOUNT -- COMMAND      succeeds, and the registries saw exactly this account ("alice,bob"; "nobody")
# works -- COMMAND                succeeds, with any account
# refused -- COMMAND              fails
# says REGEX -- COMMAND           succeeds, and a line of its output matches
# fails STATUS REGEX -- COMMAND   fails with STATUS, and a line of its output matches
# not_found HOST                  the helper has no answer, in exactly the words that clients compare
#
# The name of a test is its own text, which CASE-REGEX must match.

results=$state/results
helper=${program##*/} name=${program##*/docker-credential-}
export helper
mkdir "$state/bin"
ln -s "$program" "$state/bin/$helper"
PATH=$state/bin:$PATH

goes_as() {
  local title="${*:3} goes as $1"
  try "$title" "${@:3}" || return 0
  if [ "$status" = 0 ] && [ "$seen" = "$1" ]; then record PASS "$title"; else failed "$title"; fi
}

works() {
  local title="${*:2} works"
  try "$title" "${@:2}" || return 0
  if [ "$status" = 0 ]; then record PASS "$title"; else failed "$title"; fi
}

refused() {
  local title="${*:2} is refused"
  try "$title" "${@:2}" || return 0
  if [ "$status" != 0 ] && [ "$status" != timeout ]; then record PASS "$title"; else failed "$title"; fi
}

says() {
  local title="${*:3} says $1"
  try "$title" "${@:3}" || return 0
  if [ "$status" = 0 ] && grep -qE -- "$1" "$output"; then record PASS "$title"; else failed "$title"; fi
}

fails() {
  local title="${*:4} fails with $1 and says $2"
  try "$title" "${@:4}" || return 0
  if [ "$status" = "$1" ] && grep -qE -- "$2" "$output"; then record PASS "$title"; else failed "$title"; fi
}

not_found() {
  says '^1 \[credentials not found in native keychain\] \[\]$' -- whole_answer "$1"
}

needs() { # PROGRAM [MEANING]
  command -v "$1" >/dev/null || skip_rest "there is no ${2:-$1}"
}

needs_ensign() {
  [ "$name" = ensign ] || skip_rest "it is about ensign, this is $name"
}

skip_rest() { # REASON
  record SKIP "the rest of $group.sh: $1"
  exit 0
}

# Makes a fresh HOME in which clients find the helper by KIND. Stores the accounts for every registry in this order, so
# that the last one is the default.
new_home() { # credHelpers|credsStore|registries.conf|nothing [ACCOUNT]...
  local account host helpers=""
  HOME=$(mktemp -d "$state/homes/$group.XXXX")
  export HOME XDG_RUNTIME_DIR=$HOME/run
  mkdir -p "$HOME/.config/containers" "$XDG_RUNTIME_DIR"
  printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$registry" "$basic" \
    >"$HOME/.config/containers/registries.conf"
  for host in "$registry" "$basic" ghcr.io docker.io "$hub"; do helpers+=",\"$host\":\"$name\""; done
  case $1 in
  credHelpers) docker_config "{\"credHelpers\":{${helpers#,}}}" ;;
  credsStore) docker_config "{\"credsStore\":\"$name\"}" ;;
  registries.conf) sed -i "1i credential-helpers = [\"$name\"]" "$HOME/.config/containers/registries.conf" ;;
  esac
  for account in "${@:2}"; do
    for host in "$registry" "$basic" ghcr.io "$hub"; do store "$account" "$host"; done
  done
}

docker_config() { # JSON
  mkdir -p "$HOME/.docker/cli-plugins"
  echo "$1" >"$HOME/.docker/config.json"
  [ ! -x "$tools/docker-compose" ] || ln -s "$tools/docker-compose" "$HOME/.docker/cli-plugins/"
}

store() { # ACCOUNT HOST, and makes it the default account there
  printf '{"ServerURL":"%s","Username":"%s","Secret":"%s"}\n' "$2" "$1" "$(cat "$state/passwords/$1")" | "$helper" store
}

# Prints the user name of the helper's answer, but never the secret.
user_at() { # HOST
  printf %s "$1" | "$helper" get | jq -r .Username
}

user_of() { # ACCOUNT HOST, whatever the default is
  ENSIGN_ACCOUNT=$1 user_at "$2"
}

whole_answer() { # HOST
  local status=0 answer
  answer=$(printf %s "$1" | "$helper" get 2>"$TMPDIR/stderr") || status=$?
  echo "$status [$answer] [$(cat "$TMPDIR/stderr")]"
}

login() { # ACCOUNT COMMAND...
  "${@:2}" -u "$1" --password-stdin <"$state/passwords/$1"
}

wrong_login() { # ACCOUNT COMMAND...
  echo not-the-password | "${@:2}" -u "$1" --password-stdin
}

# Runs the command if CASE-REGEX matches the title. Sets status, output, and seen (the accounts that the registries
# saw). A second process ends the command after a minute, or after $patience seconds. timeout(1) is not used, because it
# would be a caller of the helper with the image in its arguments.
try() { # TITLE COMMAND...
  grep -qE -- "$only" <<<"$group: $(tidy "$1")" || return 1
  local before_token before_basic command nap ended=""
  before_token=$(wc -l <"$state/log/accounts") before_basic=$(wc -l <"$state/log/basic.log")
  output=$(mktemp "$state/outputs/$group.XXXX")
  "${@:2}" >"$output" 2>&1 </dev/null &
  command=$!
  sleep "${patience:-60}" &
  nap=$!
  status=0
  wait -n -p ended $command $nap || status=$?
  [ "$ended" = $command ] || status=timeout
  kill $command $nap 2>/dev/null || true
  wait $command $nap 2>/dev/null || true
  seen=$({
    tail -n "+$((before_token + 1))" "$state/log/accounts"
    tail -n "+$((before_basic + 1))" "$state/log/basic.log" | sed -n 's/.* auth.user.name="\?\([^" ]*\).*/\1/p'
  } | sort -u | paste -sd,)
}

tidy() { # TEXT
  local text=${1//"$PATH"/PATH}
  text=${text//"$HOME"/\~}
  text=${text//"$tools/"/}
  echo "${text//"$state/"/}" | tr '\n' ' '
}

record() { # PASS|FAIL|SKIP TEXT
  echo "$1 $group: $(tidy "$2")" | tee -a "$results"
}

failed() { # TITLE
  record FAIL "$1"
  echo "     exit status $status, accounts seen: ${seen:-none}; the end of its output:"
  tail -n 4 "$output" | cut -c -300 | sed 's/^/     | /'
}

# Searches every file of the run for each token of the OpenID provider, in clear text and in Base64 as ACCOUNT:TOKEN.
no_token_leaks() {
  local given=$state/oidc/tokens found line
  [ -s "$given" ] || return 0
  cut -d: -f2- "$given" >"$given.patterns"
  while read -r line; do printf %s "$line" | base64 -w0; echo; done <"$given" >>"$given.patterns"
  found=$(grep -rlF -f "$given.patterns" "$state" /run | grep -vE "^$given|/\.local/share/ensign/secrets/" || true)
  local title
  title="the $(wc -l <"$given") tokens of the OpenID provider are in"
  if [ -z "$found" ]; then record PASS "$title no file"; else record FAIL "$title $found"; fi
}

# Searches every file of the run for each password and token, in clear text and in Base64 as Docker writes it.
no_secret_leaks() {
  local group=leaks file secret found
  no_token_leaks
  [ "$name" = ensign ] || { record SKIP "where $name keeps its secrets is not known" && return; }
  for file in "$state"/{passwords,refresh}/*; do
    secret=$(cat "$file")
    found=$(grep -rlF -e "$secret" -e "$(printf %s "${file##*/}:$secret" | base64 -w0)" "$state" /run |
      grep -vE "^$state/(passwords|refresh)/|/\.local/share/ensign/secrets/" || true)
    if [ -z "$found" ]; then record PASS "$file is in no other file"; else record FAIL "$file is in $found"; fi
  done
}
