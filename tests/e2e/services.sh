# shellcheck shell=bash disable=SC2154 # state comes from run.sh, here from drive.sh
# The registries, their token server, the Docker daemon, and the images and accounts in them.
#
# localhost:5000  token authentication     ghcr.io, docker.io  the same storage and accounts, over TLS
# localhost:5001  htpasswd (Basic)         127.0.0.5:5003      OpenID provider; its tokens work at localhost:5000

export registry=localhost:5000 basic=localhost:5001 hub=https://index.docker.io/v1/ issuer=http://127.0.0.5:5003
export DOCKER_HOST=unix://$state/docker.sock
export SSL_CERT_FILE=$state/certs/bundle.pem
export CONTAINERS_STORAGE_CONF=$state/storage.conf BUILDAH_ISOLATION=chroot
export TMPDIR=$state/tmp

start_services() {
  mkdir -p "$state"/{certs,homes,log,outputs,passwords,refresh,tmp}
  seal_off
  make_accounts
  make_certificates

  start token-server /usr/bin/python3 "$here/token_server.py" "$state" $issuer \
    localhost:5002 tls://auth.docker.io:443 tls://ghcr.io:5002
  start_registry token localhost:5000 "$(tokens_from http://localhost:5002/token)"
  start_registry ghcr ghcr.io:443 "$(tokens_from https://ghcr.io:5002/token)"
  start_registry hub docker.io:443 "$(tokens_from https://auth.docker.io/token)"
  start_registry basic localhost:5001 "{htpasswd: {realm: e2e, path: $state/htpasswd}}"
  [ ! -e "$tools/oidc/installed" ] || start_issuer
  start dockerd dockerd --iptables=false --ip6tables=false --bridge=none --storage-driver=vfs --host "$DOCKER_HOST" \
    --data-root "$state/docker" --exec-root "$state/docker-run" --pidfile "$state/docker.pid"
  cat >"$CONTAINERS_STORAGE_CONF" <<CONF
[storage]
driver = "vfs"
runroot = "$state/containers-run"
graphroot = "$state/containers"
CONF

  local address
  for address in localhost/500{0,1,2} docker.io/443 auth.docker.io/443 ghcr.io/443 ghcr.io/5002; do
    until_works "$address" bash -c ": <>/dev/tcp/$address"
  done
  until_works dockerd docker version
  [ ! -e "$state/oidc" ] || until_works oidc curl -fsS $issuer/.well-known/openid-configuration
  make_images
}

# Makes public host names lead to loopback. Each registry has its own address there, so that all can use port 443.
seal_off() {
  [ $$ = 1 ] || { echo "e2e: drive.sh is for run.sh, which gives it namespaces of its own" >&2 && exit 2; }
  ip link set lo up
  mount -t tmpfs tmpfs /run
  printf '127.0.0.%s\n' "1 localhost $(hostname)" '2 docker.io index.docker.io registry-1.docker.io' \
    '3 auth.docker.io hub.docker.com login.docker.com' '4 ghcr.io' >"$state/hosts"
  mount --bind "$state/hosts" /etc/hosts
}

# Makes a new password for every account in every run, so that no_secret_leaks can search for them anywhere.
make_accounts() {
  local account
  : >"$state/log/accounts"
  : >"$state/htpasswd"
  for account in alice bob tina admin ${accounts:-}; do
    openssl rand -hex 16 | tr -d '\n' >"$state/passwords/$account"
    htpasswd -iB "$state/htpasswd" "$account" <"$state/passwords/$account" 2>/dev/null
  done
  openssl rand -hex 16 | tr -d '\n' >"$state/refresh/tina"
}

make_certificates() (
  cd "$state/certs" || exit
  key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
  names=$(printf ',DNS:%s' localhost ghcr.io {,index.,registry-1.,auth.}docker.io {hub,login}.docker.com)
  exec 2>"$state/log/openssl"
  openssl req -x509 "${key[@]}" -subj "/CN=e2e authority" -keyout authority.key -out bundle.pem
  openssl req "${key[@]}" -subj /CN=e2e -keyout tls.key -out tls.csr
  openssl x509 -req -in tls.csr -CA bundle.pem -CAkey authority.key -CAcreateserial \
    -extfile <(echo "subjectAltName=${names#,}") -out tls.pem
  openssl req -x509 "${key[@]}" -subj "/CN=e2e tokens" -keyout token.key -out token.pem
)

tokens_from() { # URL
  echo "{token: {realm: '$1', service: e2e, issuer: e2e, rootcertbundle: $state/certs/token.pem}}"
}

# The Basic registry logs at level debug, because only those lines name the account.
start_registry() { # NAME ADDRESS AUTHENTICATION
  local storage=$state/storage tls=""
  [ "$1" != basic ] || storage=$state/storage-basic
  [[ $2 != *:443 ]] || tls=", tls: {certificate: $state/certs/tls.pem, key: $state/certs/tls.key}"
  cat >"$state/registry-$1.yml" <<YML
version: 0.1
log: {level: $([ "$1" = basic ] && echo debug || echo warn)}
auth: $3
storage: {filesystem: {rootdirectory: $storage}}
http: {addr: '$2', secret: e2e$tls}
YML
  start "$1" docker-registry serve "$state/registry-$1.yml"
}

# Starts the OpenID provider at its own address, so that tests can cut only its network. Each client has different
# settings.
start_issuer() {
  mkdir "$state/oidc"
  cp "$here"/oidc/*.mjs "$state/oidc"
  ln -s "$tools/oidc/node_modules" "$state/oidc"
  start oidc node "$state/oidc/server.mjs" $issuer "$state/log/oidc-events" "$state/oidc/tokens" ensign,interval=1 \
    five-second-tokens,interval=1,access_token=5,delay=200 three-second-codes,interval=1,device_code=3 \
    hangs-up-and-slows-down,interval=1,drop=1,slow_down=1 hangs-up,interval=1,drop=1000
}

start() { # NAME COMMAND...
  "${@:2}" >"$state/log/$1.log" 2>&1 &
}

until_works() { # NAME COMMAND...
  local tries=0
  until "${@:2}" >"$state/log/waiting" 2>&1; do
    tries=$((tries + 1))
    if [ $tries = 150 ]; then
      echo "e2e: $1 did not start" >&2
      tail -n 5 "$state/log/waiting" "$state"/log/*.log >&2
      exit 1
    fi
    sleep 0.2
  done
}

# Makes one tiny image: as base:1 in the namespaces of the registries, and as app:1 under every name that the cases
# push.
make_images() {
  local archive=$state/base.tar account name
  tar -c -C "$state" hosts | docker import -c 'CMD ["/hosts"]' - localhost/base:1 >"$state/log/import"
  docker save -o "$archive" localhost/base:1
  HOME=$state/homes podman load -q -i "$archive" >"$state/log/load" 2>&1
  for name in "$registry"/{public,library,alice,bob}/base:1 "$basic"/{alice,bob}/base:1; do
    skopeo copy -q --dest-tls-verify=false --dest-creds "admin:$(cat "$state/passwords/admin")" \
      "docker-archive:$archive" "docker://$name"
  done
  for name in {"$registry","$basic",ghcr.io,docker.io}/{alice,bob,tina,carol}/app:1; do
    docker tag localhost/base:1 "$name"
    HOME=$state/homes podman tag localhost/base:1 "$name"
  done
}
