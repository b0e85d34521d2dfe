# shellcheck shell=bash disable=SC2154
# The account stays the same on a busy machine with a slow file system: 8 loops run, and each call about a file takes 5
# ms more.
#
# Each run asks 10 times; STEADY_RUNS=500 sets another number.

needs strace
new_home nothing bob alice

project=$HOME/project
mkdir "$project"
{
  echo 'include:'
  for number in {1..30}; do
    echo "  - part$number.yaml"
    printf 'services:\n  s%s: {image: %s/bob/app%s}\n' "$number" "$registry" "$number" >"$project/part$number.yaml"
  done
} >"$project/compose.yaml"
# Run by a process named docker-compose whose only argument is `pull`.
cat >"$project/pull" <<'SCRIPT'
"$helper" get <<<"$asked"
exit
SCRIPT

steady() {
  local loops=() run answer wrong=0
  for _ in {1..8}; do
    while :; do :; done &
    loops+=($!)
  done
  for ((run = 0; run < STEADY_RUNS; run++)); do
    answer=$(cd "$project" && asked=$registry strace -f -o /dev/null -e trace=openat,newfstatat,read \
      -e inject=openat,newfstatat,read:delay_enter=5000 bash -c 'exec -a docker-compose bash pull' 2>&1) || true
    [[ $answer == *'"Username":"bob"'* ]] || { wrong=$((wrong + 1)) && echo "$answer"; }
  done
  kill "${loops[@]}"
  echo "$((run - wrong)) of $run the same account"
  [ "$wrong" = 0 ]
}
patience=$((60 + 10 * STEADY_RUNS)) says "^$STEADY_RUNS of $STEADY_RUNS the same account" -- steady
