# shellcheck shell=bash
# Starts the services, runs every file of cases/ and counts; run.sh starts it inside the namespaces.
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
. "$here/services.sh"
. "$here/verbs.sh"

start_services
: >"$results"
for cases in "$here"/cases/*.sh; do
  # A subshell of its own keeps one file's home, folder and variables from the next.
  group=$(basename "$cases" .sh)
  (set -e && cd "$(mktemp -d)" && . "$cases") || record FAIL "$group: stopped before its end"
done
no_secret_leaks

count() { grep -c "^$1" "$results" || true; }
echo "$(count PASS) passed, $(count FAIL) failed, $(count SKIP) skipped"
[ "$(count FAIL)" = 0 ]
