# shellcheck shell=bash disable=SC2016,SC2154
# One account to pull and one to push, images that need no account, and a switch of the default while a client works.

needs_ensign
app=$registry/alice/app:1 base=$registry/public/base:1

account() { # ACCOUNT OPTION...
  login "$1" "$helper" login "$registry" --plain-http "${@:2}"
}

new_home credHelpers
account bob --for pull --alias reader --activate
account alice --for push --alias writer
for docker in $(printf '%s\n' "$(command -v docker)" /usr/bin/docker | sort -u); do
  goes_as bob -- "$docker" pull "$base"
  goes_as alice -- "$docker" push "$app"
  goes_as bob -- "$docker" manifest inspect --insecure "$base"
done
for client in podman buildah skopeo crane; do
  command -v $client >/dev/null || continue
  case $client in
  podman)
    goes_as bob -- podman pull "$base"
    goes_as alice -- podman push "$base" "docker://$app"
    ;;
  buildah)
    goes_as bob -- buildah pull --policy always "$base"
    goes_as alice -- buildah push "$base" "docker://$app"
    ;;
  skopeo)
    goes_as bob -- skopeo inspect --tls-verify=false "docker://$base"
    goes_as alice -- skopeo copy --src-tls-verify=false --dest-tls-verify=false "docker://$base" "docker://$app"
    ;;
  crane)
    goes_as bob -- crane manifest --insecure "$base"
    goes_as alice -- crane copy --insecure "$base" "$app"
    ;;
  esac
done
says 'reader, which may pull' -- "$helper" check "$base" --plain-http
says 'writer, which may push' -- "$helper" check "$app" --push --plain-http

# No account may push now, but the pull of the public image works.
works -- "$helper" logout "$registry" -u writer
refused -- docker push "$app"
goes_as bob -- docker pull "$base"

# After `public add`, a wrong password does not prevent the pull of public images.
new_home credHelpers
account alice
printf '{"ServerURL":"%s","Username":"alice","Secret":"wrong"}\n' "$registry" | "$helper" store
refused -- docker pull "$base"
works -- "$helper" public add "$registry/public/**"
goes_as nobody -- docker pull "$base"
goes_as nobody -- podman pull "$base"
goes_as nobody -- skopeo inspect --tls-verify=false "docker://$base"
refused -- docker push "$app"
