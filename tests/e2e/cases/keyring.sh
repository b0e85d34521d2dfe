# shellcheck shell=bash disable=SC2154
# Secrets in every store, and the data key with every holder. The same tests run in sessions with and without a real
# keyring, and after locks, restarts and changes of the user.

needs_ensign
needs gnome-keyring-daemon "GNOME Keyring"
needs dbus-daemon D-Bus

# Starts a session with its own D-Bus, which ends with the session.
new_session() {
  new_home nothing
  umask 077
  start_bus
}

start_bus() { # [VARIABLE=VALUE]...
  export DBUS_SESSION_BUS_ADDRESS=unix:path=$XDG_RUNTIME_DIR/bus
  rm -f "$XDG_RUNTIME_DIR/bus"
  env "$@" dbus-daemon --session --nofork --nopidfile --address="$DBUS_SESSION_BUS_ADDRESS" >"$HOME/bus.log" 2>&1 &
  bus=$!
  wait_for test -S "$XDG_RUNTIME_DIR/bus"
}

# Ends the session's D-Bus with its services. `lock` removes the key from the kernel's keyring, as the end of the last
# session would.
end_session() {
  kill "$bus"
  wait "$bus" 2>/dev/null || true
  "$helper" lock >"$HOME/lock.log" 2>&1 || true
}

wait_for() {
  local _
  for _ in {1..200}; do
    ! "$@" >/dev/null 2>&1 || return 0
    sleep 0.05
  done
  echo "$* does not come about" >&2
  return 1
}

unlock_gnome() {
  printf pw | gnome-keyring-daemon --unlock --components=secrets >"$HOME/gnome.log" 2>&1
  wait_for keyring_is_open
}

keyring_is_open() {
  gdbus call --session --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets/aliases/default \
    --method org.freedesktop.DBus.Properties.Get org.freedesktop.Secret.Collection Locked | grep -q false
}

service() { # METHOD ARGUMENT...
  gdbus call --session --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets \
    --method "org.freedesktop.Secret.Service.$1" "${@:2}"
}

lock_gnome() {
  service Lock "['/org/freedesktop/secrets/collection/login']"
}

gives() { # ACCOUNT HOST [USER]: the right user name and secret, which is never printed
  local answer
  answer=$(printf %s "$2" | ENSIGN_ACCOUNT=$1 "$helper" get) || { echo "$answer" && return 1; }
  jq -e --arg user "${3:-$1}" --rawfile secret "$state/passwords/${3:-$1}" '.Username == $user and .Secret == $secret' \
    <<<"$answer"
}

both_answer() {
  gives alice "$registry" && gives bob "$registry" && gives alice ghcr.io
}

out_of_reach() { # REGEX
  local answer status=0
  answer=$(printf %s "$registry" | ENSIGN_ACCOUNT=alice "$helper" get) || status=$?
  if [ $status = 1 ] && grep -qE -- "$1" <<<"$answer"; then return 0; fi
  echo "exit status $status: $answer" && return 1
}

within() { # SECONDS COMMAND
  local before=$EPOCHSECONDS status=0
  "${@:2}" || status=$?
  if [ $((EPOCHSECONDS - before)) -gt "$1" ]; then echo "it took $((EPOCHSECONDS - before)) seconds" && return 1; fi
  return $status
}

# Checks that no file of the home contains a secret: neither in clear text, nor in Base64, nor as Docker writes it.
no_secret_in_home() {
  local file found
  for file in "$state"/passwords/{alice,bob}; do
    found=$(grep -ralF -e "$(cat "$file")" -e "$(printf %s "${file##*/}:$(cat "$file")" | base64 -w0)" \
      -e "$(base64 -w0 <"$file")" "$HOME" || true)
    [ -z "$found" ] || { echo "${file##*/} is in $found" && return 1; }
  done
}

# Tests what every store must do: two accounts on one registry and one on another are stored, renamed, renewed, and
# answered separately.
keeps_its_secrets() {
  local account
  for account in alice bob; do
    works -- login $account "$helper" login "$registry"
  done
  works -- login alice "$helper" login ghcr.io
  works -- both_answer
  works -- "$helper" account edit "$registry" bob --alias work
  works -- gives work "$registry" bob
  works -- "$helper" account edit "$registry" work --alias bob
  refused -- wrong_login alice "$helper" login "$registry"
  works -- login alice "$helper" login "$registry"
  works -- both_answer
  says "alice.*ghcr.io|ghcr.io" -- "$helper" status
  not_found unknown.example.com
}

ends_clean() {
  works -- "$helper" logout --all "$registry"
  works -- "$helper" logout ghcr.io
  not_found "$registry"
}

holder() { # HOLDER [MORE]...
  "$helper" store key --holder "$@" && "$helper" store sealed
}

passphrase() { # COMMAND...
  printf 'a passphrase' | "$@" --passphrase-stdin
}

nothing_for_another_user() {
  local answer
  answer=$(printf %s "$registry" | setpriv --reuid=65534 --regid=65534 --clear-groups "$program" get) && return 1
  ! grep -qF alice <<<"$answer"
}

elsewhere() { # ENV-ARGUMENT...
  printf %s "$registry" | env "$@" ENSIGN_ACCOUNT=alice "$program" get | jq -e '.Username == "alice"'
}

# GNOME Keyring: the first login chooses it without a setting.
new_session
unlock_gnome
keeps_its_secrets
says "system's keyring" -- "$helper" store key
works -- no_secret_in_home
works -- "$helper" store key --rotate
works -- "$helper" lock # so that the answer does not come from the kernel's keyring
works -- both_answer
works -- no_secret_in_home
works -- end_session # like a reboot: no bus, and no key in the kernel's keyring
works -- out_of_reach 'no keyring'
start_bus
works -- within 10 out_of_reach 'out of reach: |failed to return the key' # after its start the keyring is locked
unlock_gnome
sleep 11 # Ensign does not ask a failed holder again for ten seconds
works -- both_answer
works -- lock_gnome
works -- both_answer # locking the desktop's keyring does not remove the key from the kernel's keyring
works -- "$helper" lock
works -- out_of_reach 'keyring is locked'
works -- no_secret_in_home
end_session

# Another user who has this user's variables gets nothing, as with `su`.
new_session
unlock_gnome
works -- login alice "$helper" login "$registry"
chmod 711 "$state" "$state/homes" "$state/bin" "$HOME"
works -- nothing_for_another_user
works -- gives alice "$registry"
# The user's second session gets the secrets, with another bus or none, because the kernel's keyring belongs to the
# user.
works -- elsewhere -u DBUS_SESSION_BUS_ADDRESS -u XDG_RUNTIME_DIR
works -- elsewhere DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere
end_session

# The same tests with the real `su` and `sudo`. Their users are in a copy of /etc that only this run sees.
asked() { # COMMAND..., with the registry on stdin
  printf %s "$registry" | "$@"
}

answered() { # COMMAND...: prints the user name, but never the secret
  asked "$@" | jq -r .Username
}

by_su() { # USER WORD..., in a login session of that user
  su - "$1" -c "${*:2}"
}

if command -v su >/dev/null && command -v sudo >/dev/null && command -v useradd >/dev/null; then
  new_home nothing
  unset DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR
  cp -a /etc "$state/etc"
  mount --bind "$state/etc" /etc
  chmod 711 "$state" "$state/homes" "$state/bin" "$HOME"
  for user in one two; do useradd --create-home --home-dir "$state/homes/e2e-$user" --shell /bin/sh "e2e-$user"; done
  usermod --home "$HOME" root 2>/dev/null || sed -i "s|^\(root:[^:]*:0:0:[^:]*:\)[^:]*|\1$HOME|" /etc/passwd
  echo 'e2e-one ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ensign-e2e
  chmod 440 /etc/sudoers.d/ensign-e2e
  works -- passphrase by_su e2e-one "$program" store key --holder passphrase
  works -- login alice by_su e2e-one "$program" login "$registry"
  says '^alice$' -- answered by_su e2e-one "$program" get
  # A second session without a login, and one with another user's variables.
  says '^alice$' -- answered su e2e-one -c "$program get"
  says '^alice$' -- answered env XDG_RUNTIME_DIR=/run/nobodys DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere su e2e-one -c "$program get"
  # Another user gets neither the accounts nor the key, even with HOME set to the first user's home.
  fails 1 '^credentials not found' -- asked by_su e2e-two "$program" get
  fails 1 '^credentials not found' -- asked by_su e2e-one "sudo -n -u e2e-two $program get"
  refused -- asked by_su e2e-two "HOME=$state/homes/e2e-one $program get"
  # With `sudo`, root has its own accounts. With `sudo -E`, root finds the user's accounts but not the key.
  fails 1 '^credentials not found' -- asked by_su e2e-one "sudo -n $program get"
  fails 1 'are locked|not found|belongs to' -- asked by_su e2e-one "sudo -n -E $program get"
  says 'sudo-home: this command runs under' -- by_su e2e-one "sudo -n $program doctor || true"
  says '^alice$' -- answered by_su e2e-one "$program" get # none of these commands changed anything
  # `lock` in one session locks the key in all sessions of the user.
  works -- su e2e-one -c "$program lock"
  fails 1 'are locked' -- asked by_su e2e-one "$program" get
  works -- passphrase by_su e2e-one "$program" unlock
  says '^alice$' -- answered su e2e-one -c "$program get"
  works -- by_su e2e-one "$program" lock
  umount /etc
else
  record SKIP "there is no su, sudo or useradd"
fi

# KeePassXC, which needs a prompt for each change.
if command -v keepassxc >/dev/null && command -v keepassxc-cli >/dev/null; then
  new_session
  export QT_QPA_PLATFORM=offscreen
  group_id=0b8bb2f4-7a3e-4c4f-9d59-0b8bb2f47a3e
  cat >"$HOME/keepassxc.ini" <<INI
[General]
ConfigVersion=2
[Security]
LockDatabaseIdle=false
[FdoSecrets]
Enabled=true
ConfirmAccessItem=false
ConfirmDeleteItem=false
ShowNotification=false
INI
  cat >"$HOME/passwords.xml" <<XML
<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<KeePassFile><Meta><Generator>KeePassXC</Generator><DatabaseName>Passwords</DatabaseName><CustomData><Item>
<Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>{$group_id}</Value></Item></CustomData></Meta>
<Root><Group><UUID>$(tr -d - <<<$group_id | xxd -r -p | base64)</UUID><Name>Root</Name></Group></Root></KeePassFile>
XML
  printf 'pw\npw\n' | keepassxc-cli import -p "$HOME/passwords.xml" "$HOME/passwords.kdbx" >"$HOME/keepassxc.log" 2>&1
  # KeePassXC reads the password from a terminal only.
  mkfifo "$HOME/typed"
  script -qec "exec keepassxc --pw-stdin --config '$HOME/keepassxc.ini' '$HOME/passwords.kdbx'" /dev/null \
    <"$HOME/typed" >>"$HOME/keepassxc.log" 2>&1 &
  keepassxc=$!
  exec 7>"$HOME/typed"
  sleep 1
  echo pw >&7
  wait_for keyring_is_open
  keeps_its_secrets
  works -- no_secret_in_home
  ends_clean
  exec 7>&-
  kill -KILL $keepassxc $(pgrep -P $keepassxc) 2>/dev/null || true
  end_session
else
  record SKIP "there is no KeePassXC"
fi

# Without a keyring, as on a server or in a container, Ensign says so and does not wait.
new_home nothing
unset DBUS_SESSION_BUS_ADDRESS
says 'clear text' -- login alice "$helper" login "$registry"
works -- gives alice "$registry"
refused -- "$helper" store key --holder keyring
# A bus without a keyring service, a bus that does not answer, and a service that does not answer.
new_home nothing
start_bus XDG_DATA_DIRS=/nowhere
says 'clear text' -- within 10 login alice "$helper" login "$registry"
end_session
new_home nothing
/usr/bin/python3 -c '
import socket, sys, time
with socket.socket(socket.AF_UNIX) as bus:
    bus.bind(sys.argv[1]); bus.listen(); time.sleep(600)' "$XDG_RUNTIME_DIR/silent" &
silent=$!
export DBUS_SESSION_BUS_ADDRESS=unix:path=$XDG_RUNTIME_DIR/silent
wait_for test -S "$XDG_RUNTIME_DIR/silent"
says 'clear text' -- within 10 login alice "$helper" login "$registry"
fails 1 'in time' -- within 10 "$helper" import keyring
kill $silent
if /usr/bin/python3 -c 'import dbus' 2>/dev/null; then
  new_home nothing
  start_bus
  /usr/bin/python3 -c '
import dbus, time
dbus.SessionBus().request_name("org.freedesktop.secrets"); print("ready", flush=True); time.sleep(600)' >"$HOME/slow" &
  slow=$!
  wait_for grep -q ready "$HOME/slow"
  says 'clear text' -- within 10 login alice "$helper" login "$registry"
  fails 1 'in time' -- within 10 "$helper" import keyring
  kill $slow
  end_session
fi

# The other holders of the key: a passphrase, a file, systemd.
new_home nothing
unset DBUS_SESSION_BUS_ADDRESS
works -- passphrase holder passphrase
keeps_its_secrets
works -- "$helper" lock
works -- out_of_reach 'unlock'
works -- passphrase "$helper" unlock
works -- both_answer
works -- passphrase "$helper" store key --rotate
works -- both_answer
works -- no_secret_in_home
ends_clean
"$helper" lock >/dev/null 2>&1 || true

new_home nothing
mkdir -m 700 "$state/key.$$"
works -- holder "file:$state/key.$$/key"
keeps_its_secrets
works -- no_secret_in_home
works -- mv "$state/key.$$/key" "$state/key.$$/away"
works -- out_of_reach 'is missing'
works -- mv "$state/key.$$/away" "$state/key.$$/key"
works -- both_answer
works -- "$helper" store key --rotate
works -- both_answer
ends_clean

if command -v systemd-creds >/dev/null; then
  new_home nothing
  works -- holder "systemd:$HOME/key.cred"
  keeps_its_secrets
  works -- no_secret_in_home
  "$helper" lock >/dev/null 2>&1 || true
  works -- both_answer
  works -- "$helper" store key --rotate
  "$helper" lock >/dev/null 2>&1 || true
  works -- both_answer
  # The decrypted file in CREDENTIALS_DIRECTORY, as a systemd service gets it.
  mkdir "$HOME/credentials"
  systemd-creds decrypt --name=ensign.key "$HOME/key.cred" "$HOME/credentials/ensign.key" 2>"$HOME/systemd.log"
  export CREDENTIALS_DIRECTORY=$HOME/credentials
  works -- holder systemd
  keeps_its_secrets
  ends_clean
  unset CREDENTIALS_DIRECTORY
fi

# Other helpers as stores: docker-credential-secretservice, which also uses the keyring, and docker-credential-pass.
if command -v docker-credential-secretservice >/dev/null; then
  new_session
  unlock_gnome
  works -- "$helper" store helper:secretservice
  keeps_its_secrets
  works -- no_secret_in_home
  ends_clean
  works -- "$helper" store --unset
  # Logins that Docker stored with this helper are imported, whether or not the helper is on PATH. `import --remove`
  # then removes these logins from the keyring.
  keyring_of_docker() {
    printf '{"ServerURL":"%s","Username":"%s","Secret":"%s"}' "$1" "$2" "$(cat "$state/passwords/$2")" |
      docker-credential-secretservice store
  }
  works -- keyring_of_docker "$registry" alice
  works -- keyring_of_docker ghcr.io bob
  works -- keyring_of_docker https://index.docker.io/v1/ alice
  docker_config '{"credsStore":"secretservice"}'
  says 'docker-credential-secretservice' -- "$helper" import --dry-run
  mkdir "$HOME/bin"
  for tool in bash jq grep cat; do ln -s "$(command -v $tool)" "$HOME/bin/"; done
  says 'the keyring' -- env PATH="$HOME/bin" "$program" import --dry-run
  says 'Removed 3' -- env PATH="$HOME/bin" "$program" import keyring --remove --yes
  says '^{}$' -- docker-credential-secretservice list
  works -- gives alice "$registry"
  works -- gives bob ghcr.io
  works -- gives alice docker.io
  end_session
fi
if command -v pass >/dev/null && command -v docker-credential-pass >/dev/null; then
  new_home nothing
  export GNUPGHOME=$HOME/.gnupg
  mkdir -m 700 "$GNUPGHOME"
  gpg --batch --passphrase '' --quick-gen-key e2e@example.com default default never >"$HOME/gpg.log" 2>&1
  pass init e2e@example.com >>"$HOME/gpg.log" 2>&1
  works -- "$helper" store helper:pass
  keeps_its_secrets
  works -- no_secret_in_home
  ends_clean
  unset GNUPGHOME
fi
