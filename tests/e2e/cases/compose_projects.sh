# shellcheck shell=bash disable=SC2154
# Compares Docker Compose and the helper: which images do random projects request? The random seed is fixed.

needs "$tools/docker-compose" "Docker Compose"
works -- "$here/compose_projects.py" "$program" "$tools/docker-compose" --seed 1 --count 40
