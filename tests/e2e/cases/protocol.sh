# shellcheck shell=bash disable=SC2154
# What every credential helper must say, in exactly the words that clients look for.

new_home credHelpers alice bob
not_found unknown.example
says '^\{.*\}$' -- "$helper" list
