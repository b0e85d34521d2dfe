# shellcheck shell=bash disable=SC2154
# The answers of every credential helper, in exactly the words that clients compare.

new_home credHelpers alice bob
not_found unknown.example
says '^\{.*\}$' -- "$helper" list
