# shellcheck shell=bash disable=SC2154
# What Compose projects ask for: projects made from a seed, given to Docker Compose and to the helper.

needs "$tools/docker-compose" "Docker Compose"
works -- "$here/compose_projects.py" "$program" "$tools/docker-compose" --seed 1 --count 40
