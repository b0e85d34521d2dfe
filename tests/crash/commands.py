"""The commands that the crash matrix tests, and the home folder with which each starts."""
import base64
import json
from dataclasses import dataclass

HUB = "https://index.docker.io/v1/"
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


@dataclass
class Command:
    name: str
    words: list
    stdin: str = ""
    # Commands that run before the tested command, to prepare the home.
    setup: tuple = ()
    # Files to write before the tested command: name and content.
    files: tuple = ()
    removed: tuple = ()
    # The command that repairs the damaged home, run after each fault and before any other command.
    first: tuple = ()
    # The command to run before each run, for state that is not in files.
    each: tuple = ()
    # Whether all accounts of an undisturbed run must exist after a fault, because they existed in another form before.
    starts_anew: bool = False
    # The command replaces the program itself.
    updates: bool = False


PASSPHRASE = "correct horse"
KEY_FILE = ["store", "key", "--holder", "file:$HOME/mounted-key"]
KEY_PASSPHRASE = ["store", "key", "--holder", "passphrase", "--passphrase-stdin"]
UNLOCK = (["unlock", "--passphrase-stdin", "--for", "1h"], PASSPHRASE)
MOVED = (["store", "move", "--to", "sealed"], "")


def stored(server, user, secret):
    return json.dumps({"ServerURL": server, "Username": user, "Secret": secret})


def login(host, user, *more):
    return ["login", host, "-u", user, "--no-verify", "--password-stdin", *more]


# Programs in the home's `bin` folder: a helper that stores logins, and an external source.
PROGRAMS = {
    "docker-credential-theirs": """#!/bin/sh
read -r line; mkdir -p "$HOME/theirs"; cd "$HOME/theirs" || exit
url=${line#*\\"ServerURL\\":\\"}; url=${url%%\\"*}; file=$(printf %s "$url" | tr / _)
case $1 in
store) printf '%s\\n' "$line" >".$file.$$" && mv ".$file.$$" "$file" ;;
get) cat "$file" 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;;
erase) rm -f "$file" ;;
esac
""",
    "aws": """#!/bin/sh
end=$(($(date +%s) + 3600))
echo '{"authorizationData":[{"authorizationToken":"'$(printf AWS:lent-s3cret | base64)'","expiresAt":'$end'.5}]}'
""",
}

# Pairs of user and secret. `run.py` searches every file for each secret, also in Base64 as `user:secret`.
SECRETS = [
    ("me", "first-s3cret"), ("work", "work-s3cret"), ("bob", "hub-s3cret"), ("h", "helper-s3cret"), ("new", "new-s3cret"),
    ("me", "second-s3cret"), ("x", "plain-s3cret"), ("y", "file-s3cret"), ("alice.example", "atcr-s3cret"),
    ("tok", "hub-t0ken"), ("AWS", "lent-s3cret"),
]

# A writing command that must succeed after any fault.
NEXT = (["public", "add", "next.example/open"],)

AUTH = base64.b64encode(b"x:plain-s3cret").decode()
DOCKER = json.dumps({"auths": {"x.example": {"auth": AUTH}}, "credsStore": "theirs-not-there"}, indent=2)
LOGINS = json.dumps({"auths": {"y.example": {"auth": base64.b64encode(b"y:file-s3cret").decode()}}})
ATCR = json.dumps({"version": 2, "registries": {"https://atcr.io": {"active": "alice.example", "accounts": {
    "alice.example": {"handle": "alice.example", "device_secret": "atcr-s3cret"}}}}})
OURS = ("config/config.json", "config/config.json.bak", "config/config.lock", "data")

COMMANDS = [
    Command("store-new", ["store"], stored("ghcr.io", "new", "new-s3cret")),
    Command("store-renewed", ["store"], stored("ghcr.io", "me", "second-s3cret")),
    Command("store-first", ["store"], stored("ghcr.io", "new", "new-s3cret"), removed=OURS),
    Command("store-hub-token", ["store"], stored(f"{HUB}access-token", "bob", "hub-t0ken")),
    Command("erase", ["erase"], "ghcr.io"),
    Command("erase-hub", ["erase"], HUB),
    Command("login-new", login("ghcr.io", "new"), "new-s3cret"),
    Command("login-renewed", login("ghcr.io", "me", "--images", "ghcr.io/a/**"), "second-s3cret"),
    Command("login-in-helper", login("ghcr.io", "new", "--store", "helper:theirs"), "new-s3cret"),
    Command("login-into-helper", login("ghcr.io", "me", "--store", "helper:theirs"), "second-s3cret"),
    Command("login-out-of-helper", login("quay.io", "h", "--store", "file"), "helper-s3cret"),
    Command("login-borrowed", ["login", ECR, "--borrow", "aws", "--no-verify"]),
    Command("get-borrowed", ["get"], ECR, setup=((["login", ECR, "--borrow", "aws", "--no-verify"], ""),)),
    Command("logout", ["logout", "ghcr.io", "-u", "work"]),
    Command("logout-all", ["logout", "ghcr.io", "--all"]),
    Command("logout-helper", ["logout", "quay.io"]),
    Command("logout-hub", ["logout", "docker.io"], setup=((["store"], stored(f"{HUB}access-token", "bob", "hub-t0ken")),)),
    Command("switch", ["switch", "ghcr.io", "work"]),
    Command("alias", ["account", "edit", "ghcr.io", "work", "--alias", "other"]),
    Command("alias-helper", ["account", "edit", "quay.io", "h", "--alias", "other"]),
    Command("images", ["account", "edit", "ghcr.io", "work", "--images", "ghcr.io/b/**", "--folder", "~/work"]),
    Command("callers", ["account", "edit", "ghcr.io", "work", "--program", "docker", "--agents", "refused"]),
    Command("grant", ["grant", "ghcr.io", "work"], setup=((["account", "edit", "ghcr.io", "work", "--grant", "required"], ""),)),
    Command("public", ["public", "add", "ghcr.io/open/**"]),
    Command("public-remove", ["public", "remove", "ghcr.io/open/**"], setup=((["public", "add", "ghcr.io/open/**"], ""),)),
    Command("route", ["route", "z.example", "theirs"]),
    Command("trust", ["trust"], files=((".ensign.toml", "[accounts]\n'ghcr.io' = 'work'\n"),)),
    Command("why-off", ["why", "--off"]),
    Command("pin", ["pin", "work"]),
    Command("pin-remove", ["pin", "work", "--remove"], setup=((["pin", "work"], ""),)),
    Command("buildx-sync", ["buildx", "sync", "ghcr.io/acme/app", "ghcr.io/me/app"]),
    Command("buildx-remove", ["buildx", "sync", "--remove"], setup=((["buildx", "sync", "ghcr.io/acme/app"], ""),)),
    Command("configure-docker", ["configure-docker"]),
    Command("configure-docker-all", ["configure-docker", "--all"]),
    Command("configure-docker-import", ["configure-docker", "--import"]),
    Command("configure-docker-undo", ["configure-docker", "--undo"],
            setup=((["configure-docker", "--all"], ""), (["buildx", "sync", "ghcr.io/acme/app"], ""))),
    Command("store-key-first", KEY_FILE),
    Command("store-sealed", ["store", "sealed"], setup=((KEY_FILE, ""),)),
    Command("move-to-sealed", ["store", "move", "--to", "sealed"], setup=((KEY_FILE, ""),)),
    Command("move-one-to-sealed", ["store", "move", "ghcr.io=me", "--to", "sealed"], setup=((KEY_FILE, ""), MOVED,
            (["store", "move", "ghcr.io", "--to", "file"], ""))),
    Command("move-to-file", ["store", "move", "--to", "file"], setup=((KEY_FILE, ""), MOVED)),
    Command("move-to-helper", ["store", "move", "--to", "helper:theirs"], setup=((KEY_FILE, ""), MOVED)),
    Command("move-hub-token", ["store", "move", "docker.io", "--to", "sealed"],
            setup=((["store"], stored(f"{HUB}access-token", "bob", "hub-t0ken")), (KEY_FILE, ""))),
    Command("sealed-store-new", ["store"], stored("ghcr.io", "new", "new-s3cret"), setup=((KEY_FILE, ""), MOVED)),
    Command("sealed-store-renewed", ["store"], stored("ghcr.io", "me", "second-s3cret"), setup=((KEY_FILE, ""), MOVED)),
    Command("sealed-logout", ["logout", "ghcr.io", "-u", "work"], setup=((KEY_FILE, ""), MOVED)),
    Command("sealed-alias", ["account", "edit", "ghcr.io", "work", "--alias", "other"], setup=((KEY_FILE, ""), MOVED)),
    Command("key-to-passphrase", KEY_PASSPHRASE, PASSPHRASE, setup=((KEY_FILE, ""), MOVED)),
    Command("key-to-file", KEY_FILE, setup=((KEY_PASSPHRASE, PASSPHRASE), MOVED), each=UNLOCK),
    Command("key-rotated", ["store", "key", "--rotate"], setup=((KEY_FILE, ""), MOVED)),
    Command("key-rotated-passphrase", ["store", "key", "--rotate", "--passphrase-stdin"], PASSPHRASE,
            setup=((KEY_PASSPHRASE, PASSPHRASE), MOVED), each=UNLOCK),
    Command("lock", ["lock"], setup=((KEY_PASSPHRASE, PASSPHRASE), MOVED), each=UNLOCK),
    Command("unlock", UNLOCK[0], PASSPHRASE, setup=((KEY_PASSPHRASE, PASSPHRASE), MOVED)),
    Command("import", ["import", "logins.json"], files=(("logins.json", LOGINS),)),
    Command("import-remove", ["import", "logins.json", "--remove"], files=(("logins.json", LOGINS),)),
    Command("export", ["export", "ghcr.io", "-o", "out.json", "--yes"]),
    Command("export-over", ["export", "ghcr.io", "-o", "out.json", "--yes"], files=(("out.json", "{}"),)),
    Command("restore", ["restore"], files=(("config/config.json", '{"version": 3, "reg'),),
            first=(["restore"],), starts_anew=True),
    Command("restore-gone", ["restore"], removed=("config/config.json",), first=(["restore"],), starts_anew=True),
    Command("restore-secrets", ["restore"], files=(("data/secrets/quay.io.json", "{"),), first=(["restore"],)),
    Command("update", ["update"], updates=True),
    Command("update-rollback", ["update", "--rollback"], updates=True),
    Command("adopt", ["get"], "atcr.io", removed=OURS, files=((".atcr/device.json", ATCR),), starts_anew=True),
    Command("adopt-store", ["store"], stored("ghcr.io", "new", "new-s3cret"), removed=OURS,
            files=((".atcr/device.json", ATCR),), starts_anew=False),
]


def prepare(home, command):
    """Creates accounts in the file store and in a helper, a login in Docker's config, and what the command needs."""
    must(home.run(["store"], stored("ghcr.io", "work", "work-s3cret")))
    must(home.run(["store"], stored("ghcr.io", "me", "first-s3cret")))
    must(home.run(["store"], stored(HUB, "bob", "hub-s3cret")))
    must(home.run(login("quay.io", "h", "--store", "helper:theirs"), "helper-s3cret"))
    must(home.run(["account", "edit", "ghcr.io", "work", "--images", "ghcr.io/acme/**"]))
    write(home, ".docker/config.json", DOCKER)
    for words, stdin in command.setup:
        must(home.run(words, stdin))
    for name in command.removed:
        remove(home.path / name)
    for name, text in command.files:
        write(home, name, text)


def write(home, name, text):
    (home.path / name).parent.mkdir(parents=True, exist_ok=True)
    (home.path / name).write_text(text)


def remove(path):
    if path.is_dir():
        for inside in path.iterdir():
            remove(inside)
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def must(run):
    code, said = run
    if code:
        raise SystemExit(f"crash: the home cannot be prepared: exit {code}: {said}")
