# shellcheck shell=bash disable=SC2154
# The release program as the kernel and the network see it: a static-pie with musl, whose resolver differs from glibc's.

needs_ensign
needs readelf

# Lists what the kernel or a loader would have to do before the program starts.
asked_of_a_loader() {
  readelf -lWd "$program" | grep -E 'INTERP|\(NEEDED\)|TEXTREL' || echo nothing
}
says 'Type: +DYN' -- readelf -hW "$program"
says '^nothing$' -- asked_of_a_loader
says '^0$' -- bash -c "grep -ac GLIBC_ '$program' || true"
says '^small$' -- bash -c "[ \$(stat -Lc %s '$program') -lt 6000000 ] && echo small"

# The program contains no path of its build: neither of the checkout, nor of cargo, nor of a home folder.
folders_in_it() { grep -aoE "(/root|/home|$checkout)/[ -~]{0,60}" "$program" || echo none; }
checkout=$(cd "$here/../.." && pwd)
says '^none$' -- folders_in_it

# The list of crates in the program is the same as in Cargo.lock.
audit=$tools/cargo/bin/rust-audit-info
if [ -x "$audit" ]; then
  listed() { "$audit" "$program" | jq -r '.packages[] | "\(.name) \(.version)"' | sort; }
  locked() { sed -n '/^name = /{s/.*"\(.*\)"/\1/;h};/^version = /{s/.*"\(.*\)"/\1/;H;g;s/\n/ /p}' "$checkout/Cargo.lock" | sort; }
  unknown() { comm -23 <(listed) <(locked) | grep . || echo none; }
  says '^docker-credential-ensign ' -- listed
  says '^rustls ' -- listed
  says '^none$' -- unknown
else
  record SKIP 'the list of crates: there is no cargo-auditable'
fi

# A release is signed, and verified as users verify it.
if command -v minisign >/dev/null; then
  version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$checkout/Cargo.toml" | head -n 1)
  minisign -G -W -p key.pub -s key.sec >/dev/null
  export LICENCES=$checkout/LICENSE-MIT
  works -- env MINISIGN_KEY=key.sec SOURCE_DATE_EPOCH=1700000000 "$checkout/packaging/release.sh" signed "x86_64-unknown-linux-musl=$program"
  says "^Trusted comment: ensign $version\$" -- minisign -V -p key.pub -m signed/SHA256SUMS
  works -- env MINISIGN_KEY='' SOURCE_DATE_EPOCH=1700000000 "$checkout/packaging/release.sh" packed "x86_64-unknown-linux-musl=$program"
  works -- env MINISIGN_KEY=key.sec "$checkout/packaging/release.sh" --sign packed
  works -- minisign -V -p key.pub -m packed/SHA256SUMS
  works -- cmp signed/SHA256SUMS packed/SHA256SUMS
  echo >>packed/SHA256SUMS
  refused -- minisign -V -p key.pub -m packed/SHA256SUMS
  minisign -G -W -p other.pub -s other.sec >/dev/null
  refused -- minisign -V -p other.pub -m signed/SHA256SUMS
else
  record SKIP 'the signature: there is no minisign'
fi

# Prints the addresses of two running processes of the program, which wait for input.
addresses() {
  local folder question
  folder=$(mktemp -d)
  for _ in 1 2; do
    mkfifo "$folder/pipe"
    "$program" get <"$folder/pipe" >"$folder/out" &
    exec {question}>"$folder/pipe"
    until grep -qF "$program" /proc/$!/maps; do sleep 0.02; done
    sed -n "s|-.*$program\$||p" /proc/$!/maps | head -n 1
    exec {question}>&-
    wait $! || true
    rm "$folder/pipe"
  done
}
different_addresses() { addresses | sort -u | wc -l; }
says '^2$' -- different_addresses

# A program that was linked with the wrong unwinder crashes here.
new_home credHelpers alice
config=$HOME/.config/ensign/config.json
cp "$config" config.json
echo '{' >"$config"
fails 1 'config.json. is broken' -- env RUST_BACKTRACE=1 "$helper" status
fails 1 'config.json. is broken' -- env RUST_BACKTRACE=1 bash -c "echo ghcr.io | $helper get"
cp config.json "$config"
fails 1 'nowhere.example' -- env RUST_BACKTRACE=1 ENSIGN_LOGIN_X="nowhere.example me secret" "$helper" check nowhere.example/a/b

# Resolves host names, by /etc/hosts and by DNS.
cat >names <<'NAMES'
basic.lab.example 1 1
many.lab.example 40 20
large.lab.example 40 0
NAMES
start dns /usr/bin/python3 "$here/dns_server.py" "$PWD/names"
until_works dns bash -c ': <>/dev/tcp/127.0.0.53/53'
printf '%s\n' 'nameserver 127.0.0.53' 'search corp.example lab.example' 'options timeout:2 attempts:2' >resolv.conf
mount --bind resolv.conf "$(realpath -m /etc/resolv.conf)"
at_host() { # HOST: asks the registry at HOST with Basic authentication
  ENSIGN_LOGIN_X="$1:5001 alice $(cat "$state/passwords/alice")" "$helper" check --plain-http "$1:5001"
}
says 'accepts the account x' -- at_host localhost
says 'accepts the account x' -- at_host basic.lab.example
says 'accepts the account x' -- at_host basic # the second search domain finds it
says 'accepts the account x' -- at_host many  # the answer is truncated, but its first address is enough
says 'accepts the account x' -- at_host large # the truncated answer has no address, so the resolver asks again by TCP
fails 1 'unknown.lab.example' -- at_host unknown.lab.example
says 'alice, which may pull' -- "$helper" check ghcr.io/alice/base:1 # from /etc/hosts
sed 's/ghcr.io/and/' "$state/hosts" >hosts
mount --bind hosts /etc/hosts
fails 1 'ghcr.io' -- "$helper" check ghcr.io/alice/base:1
umount /etc/hosts
umount "$(realpath -m /etc/resolv.conf)"
