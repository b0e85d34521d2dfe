# shellcheck shell=bash disable=SC2154
# Ten thousand accounts on one registry, and on ten thousand registries. Each command must take less than two seconds of
# processor time.

needs_ensign
new_home nothing

many() { # HOME KIND: writes 10,000 accounts
  HOME=$1 KIND=$2 python3 <<'PY'
import json, os
config, data = os.environ["HOME"] + "/.config/ensign", os.environ["HOME"] + "/.local/share/ensign/secrets"
os.makedirs(config), os.makedirs(data)
number, of_one = range(10000), os.environ["KIND"] == "accounts"
hosts = {"many.example": [f"user-{i}" for i in number]} if of_one else {f"host{i}.example": ["user"] for i in number}
registries = {}
for host, names in hosts.items():
    registries[host] = {"active": names[0], "accounts": {name: {"username": name, "store": "file"} for name in names}}
    with open(f"{data}/{host}.json", "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        json.dump({"version": 1, "secrets": {name: "secret-of-many" for name in names}}, file)
with open(f"{config}/config.json", "w") as file:
    json.dump({"version": 3, "registries": registries}, file)
PY
}

within_two_seconds() { # HOME ARGUMENT...
  # shellcheck disable=SC2016 # the inner shell expands it
  HOME=$1 bash -c 'ulimit -t 2; "$@"' - "$helper" "${@:2}" || [ $? -lt 128 ]
}

many "$HOME/accounts" accounts
many "$HOME/registries" registries
says 'user-9999' -- within_two_seconds "$HOME/accounts" status
says 'No account' -- within_two_seconds "$HOME/accounts" status --expiring 1d
says 'host9999.example' -- within_two_seconds "$HOME/registries" status
says 'No account' -- within_two_seconds "$HOME/registries" status --expiring 1d
says 'host9999.example' -- within_two_seconds "$HOME/registries" list
