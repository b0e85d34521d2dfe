# shellcheck shell=bash
# Starts the services, runs every file of cases/, and counts the results. run.sh starts this script inside the
# namespaces.
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
. "$here/services.sh"
. "$here/verbs.sh"

start_services
: >"$results"
# shellcheck disable=SC2154 # files comes from run.sh
for cases in "$here"/cases/$files.sh; do
  group=$(basename "$cases" .sh)
  set +e # in a condition, a subshell would continue after an error
  # A subshell, so that a case's home, folder and variables do not affect the next case.
  (
    set -e
    cd "$(mktemp -d)"
    # shellcheck source=/dev/null
    . "$cases"
  )
  status=$?
  set -e
  # If only some cases were chosen, a case may stop because an earlier one did not run, so the result is SKIP.
  [ $status = 0 ] || record "$([ "$only" = . ] && echo FAIL || echo SKIP)" "$group.sh stopped before its end, with status $status"
done
no_secret_leaks

count() { grep -c "^$1" "$results" || true; }
echo "$(count PASS) passed, $(count FAIL) failed, $(count SKIP) skipped"
[ "$(count FAIL)" = 0 ]
