# shellcheck shell=bash
# Starts the services, runs every file of cases/ and counts; run.sh starts it inside the namespaces.
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
. "$here/services.sh"
. "$here/verbs.sh"

start_services
: >"$results"
# shellcheck disable=SC2154 # files comes from run.sh
for cases in "$here"/cases/$files.sh; do
  group=$(basename "$cases" .sh)
  set +e # a subshell in a condition would go on after an error
  # It keeps the file's home, folder and variables from the next.
  (
    set -e
    cd "$(mktemp -d)"
    # shellcheck source=/dev/null
    . "$cases"
  )
  status=$?
  set -e
  # Without the cases that were not chosen, those behind them may have nothing to go on from.
  [ $status = 0 ] || record "$([ "$only" = . ] && echo FAIL || echo SKIP)" "$group.sh stopped before its end, with status $status"
done
no_secret_leaks

count() { grep -c "^$1" "$results" || true; }
echo "$(count PASS) passed, $(count FAIL) failed, $(count SKIP) skipped"
[ "$(count FAIL)" = 0 ]
