#!/bin/sh
# Compares the time of a `get` with Ensign and with Debian's helpers pass, secretservice and ecr-login, as ratios in one
# run.
#
# usage: benches/compare.sh [ROUNDS]      (default: 200)
#   PROGRAM=PATH  the program to measure; by default packaging/build.sh builds it
#
# The script needs Rust and Debian's golang-docker-credential-helpers, amazon-ecr-credential-helper, pass, gnome-keyring
# and dbus. All keyring rows ask the same GNOME Keyring, on a session bus of its own. No row uses the network.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
server=registry.example.test
ecr=123456789012.dkr.ecr.eu-west-1.amazonaws.com

main() {
    program=${PROGRAM:-$("$root/packaging/build.sh")}
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' HUP INT TERM
    mkdir -m 700 "$work/bin" "$work/run" "$work/home"
    set -- "${1:-200}" --edition 2024 -C opt-level=3 -C lto=fat -C codegen-units=1 -C panic=abort -C strip=symbols
    ROUNDS=$1
    shift
    rustc "$@" -o "$work/docker" "$root/benches/programs/spawn.rs"
    rustc "$@" -o "$work/bin/hello" "$root/benches/programs/hello.rs"
    rustc "$@" -C link-arg=-nostartfiles -C link-arg=-nostdlib -C link-arg=-static -C relocation-model=static \
        -o "$work/bin/floor" "$root/benches/programs/floor.rs"
    cp "$program" "$work/bin/docker-credential-ensign" # a copy, for the reason in benches/README.md
    echo "$ROUNDS rounds; $(uname -sm), $(getconf _NPROCESSORS_ONLN) processors, load$(uptime | sed 's/.*load average[s]*//')"
    env -i PATH="$work/bin:$PATH" HOME="$work/home" XDG_RUNTIME_DIR="$work/run" ROUNDS="$ROUNDS" COMPARE="$work" \
        dbus-run-session -- "$0" 2>"$work/session.log" || { cat "$work/session.log" >&2 && exit 1; }
}

# Measures all programs, inside the D-Bus session that main starts.
session() {
    ours=$work/bin/docker-credential-ensign
    printf pw | gnome-keyring-daemon --unlock --components=secrets >"$work/gnome.log" 2>&1
    {
        row 'a program without libc that ends at once' '' "$work/home" - "$work/bin/floor"
        row 'Rust hello' hello "$work/home" - "$work/bin/hello"
        ensign file 'Ensign, in clear text' file ''
        ensign sealed 'Ensign, sealed, the key open' sealed 1h
        ensign keyring 'Ensign, sealed, the key asked of the keyring each time' sealed 0s
        secretservice
        pass_helper
        ecr_login
        ensign_ecr
    } >"$work/programs"
    # The runner changes the target of this link to each program's home.
    HOME=$work/link BENCH_HOME=$work/link "$work/docker" push $server/alice/app:1 <"$work/programs" | sed '1s/× static hello/× Ensign/'
}

row() { # LABEL EXPECTED HOME SERVER PATH
    printf '%s\t%s\t%s\t%s\t%s\n' "$@"
}

ensign() { # HOME LABEL STORE CACHE
    mkdir "$work/$1"
    if [ "$3" = sealed ]; then HOME=$work/$1 "$ours" store key --holder keyring --cache "$4" >&2; fi
    for user in bob alice; do
        printf s3cret | HOME=$work/$1 "$ours" login $server -u $user --password-stdin --no-verify --store "$3" >&2
    done
    row "$2" '"alice"' "$work/$1" $server "$ours"
}

secretservice() {
    printf '{"ServerURL":"%s","Username":"alice","Secret":"s3cret"}' $server | docker-credential-secretservice store
    row 'docker-credential-secretservice, of the same keyring' '"alice"' "$work/home" $server "$(command -v docker-credential-secretservice)"
}

# pass is as fast as possible here: its key has no passphrase, and gpg's agent is running.
pass_helper() {
    make_pass >&2
    row 'docker-credential-pass' '"alice"' "$work/pass" $server "$(command -v docker-credential-pass)"
}

make_pass() (
    mkdir -m 700 "$work/pass" "$work/pass/.gnupg"
    export HOME="$work/pass"
    gpg -q --batch --passphrase '' --quick-gen-key bench default default never 2>&1
    pass init bench
    printf '{"ServerURL":"%s","Username":"alice","Secret":"s3cret"}' $server | docker-credential-pass store
)

# The helper's cache contains a token that is valid for six hours.
ecr_login() {
    mkdir -p "$work/ecr/.aws" "$work/ecr/.ecr"
    printf '[default]\naws_access_key_id = AKIABENCH\naws_secret_access_key = s\nregion = eu-west-1\n' >"$work/ecr/.aws/credentials"
    python3 - "$work/ecr/.ecr/cache.json" $ecr <<'END'
import base64, datetime, hashlib, json, sys
now = datetime.datetime.now(datetime.timezone.utc)
stamp = lambda time: time.strftime("%Y-%m-%dT%H:%M:%SZ")
key = "eu-west-1-%s-%s" % (base64.b64encode(b"AKIABENCH" + hashlib.md5().digest()).decode(), sys.argv[2].split(".")[0])
token = {"AuthorizationToken": base64.b64encode(b"AWS:s3cret").decode(), "RequestedAt": stamp(now),
         "ExpiresAt": stamp(now + datetime.timedelta(hours=12)), "ProxyEndpoint": "https://" + sys.argv[2], "Service": "ecr"}
json.dump({"Registries": {key: token}, "Version": "1.0"}, open(sys.argv[1], "w"))
END
    row 'docker-credential-ecr-login, its token in its cache' '"AWS"' "$work/ecr" $ecr "$(command -v docker-credential-ecr-login)"
}

# Measures `--borrow aws` with an answer in Ensign's cache, for comparison with the helper's cache.
ensign_ecr() {
    mkdir "$work/borrow" "$work/aws"
    cat >"$work/aws/aws" <<'END'
#!/bin/sh
echo '{"authorizationData":[{"authorizationToken":"QVdTOnMzY3JldA==","expiresAt":'$(($(date +%s) + 43200))'}]}'
END
    chmod 755 "$work/aws/aws"
    HOME=$work/borrow PATH=$work/aws:$PATH "$ours" login --borrow aws --no-verify --store file $ecr >&2
    printf %s $ecr | HOME=$work/borrow PATH=$work/aws:$PATH "$ours" get >&2
    row 'Ensign with --borrow aws, its token cached' '"AWS"' "$work/borrow" $ecr "$ours"
}

if [ -n "${COMPARE:-}" ]; then
    work=$COMPARE
    session
else
    main "$@"
fi
