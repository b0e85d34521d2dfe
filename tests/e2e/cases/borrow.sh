# shellcheck shell=bash disable=SC2016,SC2154
# Secrets from external sources: a helper, pass, gh, and aws with a local AWS server.

needs_ensign
docker=$(command -v docker)

# Checks that the account answers with this user and password, and never prints the password.
answers() { # ACCOUNT HOST USER PASSWORD-FILE
  local answer
  answer=$(printf %s "$2" | ENSIGN_ACCOUNT=$1 "$helper" get) || { echo "$answer" && return 1; }
  jq -e --arg user "$3" --rawfile secret "$state/passwords/$4" \
    '.Username == $user and .Secret == $secret' <<<"$answer"
}

new_bin() {
  mkdir -p "$HOME/bin"
  PATH=$HOME/bin:$PATH
}

keeps_nothing() {
  test ! -e "$HOME/.local/share/ensign/secrets" || ! grep -rq secret "$HOME/.local/share/ensign/secrets"
}

# Another program's credential helper. A variable chooses the identity that the helper answers with.
new_home nothing
new_bin
cat >"$HOME/bin/docker-credential-lender" <<SH
#!/bin/sh
cat >/dev/null
[ -f "$state/passwords/\$WHO" ] || { echo 'credentials not found in native keychain'; exit 1; }
printf '{"Username":"%s","Secret":"%s"}' "\$WHO" "\$(cat "$state/passwords/\$WHO")"
SH
chmod +x "$HOME/bin/docker-credential-lender"
for host in "$registry" "$basic" ghcr.io docker.io; do
  for me in alice bob; do
    works -- "$helper" login --borrow helper:lender --env WHO=$me "$host"
  done
done
refused -- "$helper" login --borrow helper:lender --env WHO=mallory "$registry"
refused -- "$helper" login --borrow helper:ensign "$registry"
works -- "$helper" configure-docker
for me in alice bob; do
  goes_as $me -- "$docker" push "$registry/$me/app:1"
  goes_as $me -- "$docker" push "$basic/$me/app:1"
  goes_as $me -- "$docker" push "$me/app:1"
  says "may push" -- "$helper" check "ghcr.io/$me/app:1" --push
done
says 'from docker-credential-lender, WHO=bob' -- "$helper" status "$registry"
works -- keeps_nothing
rm "$HOME/bin/docker-credential-lender"
refused -- "$helper" status "$registry"
refused -- "$docker" push "$registry/alice/app:1"

# pass, with a key that has no passphrase.
if command -v pass >/dev/null; then
  new_home nothing
  export GNUPGHOME=$HOME/.gnupg
  mkdir -m 700 "$GNUPGHOME"
  works -- gpg --batch --passphrase '' --quick-gen-key e2e@example.com default default never
  works -- pass init e2e@example.com
  for me in alice bob; do
    works -- sh -c "{ cat $state/passwords/$me; echo; echo user: $me; } | pass insert -m registry/$me"
    works -- "$helper" login --borrow pass --item registry/$me -u $me "$basic"
  done
  refused -- "$helper" login --borrow pass --item registry/nobody -u nobody "$basic"
  works -- "$helper" configure-docker
  for me in alice bob; do goes_as $me -- "$docker" push "$basic/$me/app:1"; done
  works -- keeps_nothing
  gpgconf --kill gpg-agent
else
  record SKIP "pass is not there"
fi

# A gh that stores two users in one folder, where GH_TOKEN must not win; then an older gh with a folder for each user.
write_hosts() { # FOLDER USER...
  mkdir -p "$1"
  {
    printf 'github.com:\n  user: %s\n  oauth_token: %s\n  users:\n' "$2" "$(cat "$state/passwords/$2")"
    for me in "${@:2}"; do printf '    %s:\n      oauth_token: %s\n' "$me" "$(cat "$state/passwords/$me")"; done
  } >"$1/hosts.yml"
}
export GH_TOKEN=not-the-token
if [ -x "$tools/lenders/bin/gh" ]; then
  new_home nothing
  new_bin
  ln -s "$tools/lenders/bin/gh" "$HOME/bin/gh"
  write_hosts "$HOME/.config/gh" alice bob
  for me in alice bob; do works -- "$helper" login --borrow gh -u $me ghcr.io; done
  refused -- "$helper" login --borrow gh -u carol ghcr.io
  refused -- "$helper" login --borrow gh -u alice "$registry"
  works -- "$helper" configure-docker
  for me in alice bob; do goes_as $me -- "$docker" push "ghcr.io/$me/app:1"; done
  works -- keeps_nothing
  rm "$HOME/.config/gh/hosts.yml" # this file may contain the tokens; the end of the run searches all others
else
  record SKIP "a gh that keeps several users is not there"
fi
if [ -x /usr/bin/gh ]; then
  new_home nothing
  for me in alice bob; do
    write_hosts "$HOME/gh-$me" $me
    works -- env -u GH_TOKEN "$helper" login --borrow command -u "$me" --env "GH_CONFIG_DIR=~/gh-$me" ghcr.io -- \
      /usr/bin/gh auth token --hostname github.com
  done
  unset GH_TOKEN
  works -- "$helper" configure-docker
  for me in alice bob; do goes_as $me -- "$docker" push "ghcr.io/$me/app:1"; done
  rm "$HOME"/gh-*/hosts.yml
else
  record SKIP "Debian's gh is not there"
fi
unset GH_TOKEN

# aws: two profiles are roles in two AWS accounts, which both use one registry.
[ -x "$tools/lenders/bin/aws" ] || skip_rest "there is no aws"
for account in 111111111111 222222222222; do
  openssl rand -hex 16 | tr -d '\n' >"$state/passwords/ecr-$account"
done
echo 43200 >"$state/ecr-seconds"
: >"$state/log/ecr-requests"
start ecr "$tools/lenders/bin/python" "$here/ecr_server.py" "$state" 5010
until_works ecr bash -c ": <>/dev/tcp/localhost/5010"

aws_home() {
  new_home nothing
  new_bin
  ln -s "$tools/lenders/bin/aws" "$HOME/bin/aws"
  mkdir "$HOME/.aws"
  cat >"$HOME/.aws/config" <<'INI'
[profile base]
region = us-east-1
endpoint_url = http://localhost:5010
[profile work]
region = us-east-2
role_arn = arn:aws:iam::111111111111:role/push
source_profile = base
endpoint_url = http://localhost:5010
[profile private]
role_arn = arn:aws:iam::222222222222:role/push
source_profile = base
endpoint_url = http://localhost:5010
INI
  printf '[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = key-of-base\n' >"$HOME/.aws/credentials"
}

asked() { # WHAT-WAS-ASKED
  local requests
  requests=$(cat "$state/log/ecr-requests")
  : >"$state/log/ecr-requests"
  echo "$requests"
  [ "$requests" = "$1" ]
}

ecr=111111111111.dkr.ecr.eu-west-1.amazonaws.com
export AWS_ACCESS_KEY_ID=AKIAEXPORTED AWS_SECRET_ACCESS_KEY=exported AWS_REGION=ap-south-1

aws_home
for profile in work private; do
  works -- "$helper" login --borrow aws --profile $profile $ecr --no-verify
done
works -- asked $'111111111111 eu-west-1\n222222222222 eu-west-1'
works -- answers work $ecr AWS ecr-111111111111
works -- answers private $ecr AWS ecr-222222222222
works -- asked '' # both answers were cached
says 'from aws, profile private' -- "$helper" which "$ecr/private/app:1" --as "docker push $ecr/private/app:1"
works -- "$helper" login --borrow aws --profile private 111111111111.dkr-ecr.ap-southeast-2.on.aws --no-verify
works -- asked '222222222222 ap-southeast-2'
refused -- "$helper" login --borrow aws --profile nobody $ecr --no-verify
refused -- "$helper" login --borrow aws --profile work $ecr.evil.example --no-verify

# A token is cached only until fifteen minutes before it expires. So a token of 880 seconds is not cached, and one of
# 903 seconds is cached for some seconds.
echo 880 >"$state/ecr-seconds"
aws_home
works -- "$helper" login --borrow aws --profile work $ecr --no-verify
works -- keeps_nothing
works -- answers work $ecr AWS ecr-111111111111
works -- asked $'111111111111 eu-west-1\n111111111111 eu-west-1'
echo 903 >"$state/ecr-seconds"
works -- answers work $ecr AWS ecr-111111111111
sleep 4
works -- answers work $ecr AWS ecr-111111111111
works -- asked $'111111111111 eu-west-1\n111111111111 eu-west-1'

# Ten clients at once make one request to AWS.
ten_at_once() {
  local gets=() get
  for _ in {1..10}; do
    answers private $ecr AWS ecr-222222222222 &
    gets+=($!)
  done
  for get in "${gets[@]}"; do wait "$get" || return 1; done
}
echo 43200 >"$state/ecr-seconds"
works -- "$helper" login --borrow aws --profile private $ecr --no-verify
rm -r "$HOME/.local/share/ensign/secrets"
works -- asked '222222222222 eu-west-1'
works -- ten_at_once
works -- asked '222222222222 eu-west-1'

# One account for all ECR registries. The region is part of each registry's name.
aws_home
works -- "$helper" login --borrow aws --profile work '*.dkr.ecr.*.amazonaws.com'
works -- asked ''
for _ in 1 2; do
  works -- answers work $ecr AWS ecr-111111111111
  works -- answers work 222222222222.dkr.ecr.us-west-2.amazonaws.com AWS ecr-111111111111
done
works -- asked $'111111111111 eu-west-1\n111111111111 us-west-2'
not_found $ecr.evil.example
says 'from aws, profile work' -- "$helper" which "$ecr/app:1"

# A profile that fails does not prevent pulls of public images.
works -- "$helper" login --borrow command -u AWS --alias work public.ecr.aws --no-verify -- echo x
sed -i 's/{"borrow": "command", "command": \["echo", "x"\]}/{"borrow": "aws", "profile": "nobody"}/' \
  "$HOME/.config/ensign/config.json"
not_found public.ecr.aws
refused_by_aws() {
  rm -r "$HOME/.local/share/ensign/secrets"
  ENSIGN_ACCOUNT=work AWS_CONFIG_FILE=/dev/null whole_answer $ecr
}
says '^1 \[.* status 255: .*\] \[\]$' -- refused_by_aws
