# shellcheck shell=bash disable=SC2154
# The journal: which account answered real clients, and why.

needs_ensign

new_home credHelpers bob alice
chmod 700 "$XDG_RUNTIME_DIR"
goes_as bob -- docker push "$registry/bob/app:1"
says "docker push +$registry +→ bob" -- "$helper" why -n 1
says "command line → bob +.$registry/bob/app:1 is in $registry/bob/\\*\\*" -- "$helper" why "$registry/bob/app"

goes_as bob -- podman pull "$registry/bob/base:1"
says "podman pull +$registry +→ bob" -- "$helper" why "$registry" -n 1

# A copy asks once for both images, so one account must answer: alice may not read bob's image, and bob may not write
# alice's.
refused -- skopeo copy "docker://$registry/bob/base:1" "docker://$registry/alice/torn:1"
says "skopeo copy +$registry +→ alice" -- "$helper" why "$registry"
says "undecided: $registry/bob/base:1 is bob's, $registry/alice/torn:1 is alice's" -- "$helper" why
says "ENSIGN_ACCOUNT=$registry=bob skopeo copy …" -- "$helper" why
says "pin bob" -- "$helper" why "$registry/alice/torn"

works -- sh -c "$helper why --json | jq -e '.decisions[0].client == \"skopeo copy\"'"
refused -- grep -qF -f "$state/passwords/bob" "$XDG_RUNTIME_DIR/ensign-journal.jsonl"
works -- "$helper" why --clear
fails 3 'is empty' -- "$helper" why
works -- "$helper" why --off
goes_as bob -- docker push "$registry/bob/app:1"
fails 3 'why --on' -- "$helper" why
works -- "$helper" why --on
works -- env ENSIGN_JOURNAL=off docker push "$registry/bob/app:1"
fails 3 'is empty' -- "$helper" why
