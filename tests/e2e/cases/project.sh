# shellcheck shell=bash disable=SC2154
# A folder's .ensign.toml names an account. The file has no effect until it is trusted, and then affects every client in
# that folder.

needs_ensign

for me in alice bob; do
  other=bob
  [ $me = alice ] || other=alice
  new_home credHelpers $me $other # the other one is the default
  app=$registry/$me/app:1
  # No patterns match the images, so only the file can decide.
  for account in alice bob; do "$helper" account edit "$registry" $account --images 'nobody/**' 2>/dev/null; done

  mkdir -p "$HOME/clone/.git" "$HOME/clone/sub" && cd "$HOME/clone/sub" || exit
  printf '[remote "origin"]\n\turl = https://x:hunter2@git.example.com/%s/app.git\n' $me >../.git/config
  printf '[accounts]\n"%s" = "%s"\n' "$registry" $me >../.ensign.toml

  refused -- docker push "$app"
  says ".$me. for $registry, .* not trusted" -- "$helper" which "$app"
  works -- "$helper" trust --yes
  goes_as $me -- docker push "$app"
  goes_as $me -- docker pull "$registry/$me/base:1"
  goes_as $me -- podman push "$app"
  goes_as $me -- buildah push "$app"
  says "^$me\$" -- "$helper" which "$app"
  goes_as $me -- sh -c "cd .. && docker push $app; exit \$?"
  (cd / && refused -- docker push "$app")

  printf '# changed\n' >>../.ensign.toml
  refused -- podman push "$app"
  works -- "$helper" trust --yes ..
  goes_as $me -- podman push "$app"
  works -- "$helper" trust --revoke
  refused -- docker push "$app"
done
