# shellcheck shell=bash disable=SC2154 # state, tools, program and only come from run.sh, group from drive.sh
# The words that the cases are written in.
#
# goes_as ACCOUNT -- COMMAND   succeeds, and the registries saw exactly that account ("alice,bob"; "nobody")
# works -- COMMAND             succeeds, whatever account was used
# refused -- COMMAND           fails
# says REGEX -- COMMAND        succeeds, and a line of its output matches
# fails STATUS REGEX -- COMMAND   fails so, and a line of its output matches
# not_found HOST               the helper has no answer, in exactly the words that clients know
#
# A case is named by its own text, which is what CASE-REGEX is compared with.

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

# Makes a fresh HOME where clients find the helper by KIND. The helper then holds the accounts at every registry,
# stored in the order given, so that the last is active.
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

store() { # ACCOUNT HOST, which also makes it the active one there
  printf '{"ServerURL":"%s","Username":"%s","Secret":"%s"}\n' "$2" "$1" "$(cat "$state/passwords/$1")" | "$helper" store
}

# Prints the user name that the helper answers with, the secret never.
user_at() { # HOST
  printf %s "$1" | "$helper" get | jq -r .Username
}

user_of() { # ACCOUNT HOST, whichever account is active
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

# Runs the command if the title is chosen; sets status, output and seen, the accounts that the registries saw. A process
# beside it ends it after a minute, or as many seconds as patience says: around it, timeout(1) would show the image to a helper that looks at its callers.
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

# The same for each line ACCOUNT:TOKEN of what the OpenID provider has given.
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

# Looks in every file that the run has left for each password and token, plain and as Docker writes it into config.json.
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
