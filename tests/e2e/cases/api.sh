# shellcheck shell=bash disable=SC2154
# Tests `api` with real registries, proxies, and the certificates of a company.

needs_ensign

new_home nothing bob alice
for host in "$registry" "$basic" ghcr.io; do
  for me in alice bob; do
    goes_as $me -- "$helper" api "$host" "$me/base/manifests/1" -X HEAD
  done
  says '"tags":\["1"\]' -- "$helper" api "$host" alice/base/tags/list
  works -- sh -c "$helper api $host alice/base/manifests/1 >manifest"
  config=$(jq -r .config.digest manifest) layer=$(jq -r '.layers[0].digest' manifest)
  works -- "$helper" api "$host" "alice/base/blobs/$layer" --output layer
  says "^${layer#sha256:} " -- sha256sum layer
  works -- "$helper" api "$host" "alice/base/blobs/$config" --output config
  for file in layer config; do
    says "^sha256:" -- "$helper" api "$host" alice/api/blobs/ -X POST --input $file
  done
  says "^$(sha256sum manifest | sed 's/\(.*\) .*/sha256:\1/;s/ //')" -- "$helper" api "$host" alice/api/manifests/2 --input manifest
  says '"1","2"' -- sh -c "$helper api $host alice/api/manifests/1 --input manifest && $helper api $host alice/api/tags/list --paginate"
  says '"code":200' -- "$helper" api "$host" alice/api/manifests/2 --json
  says '^1 not found$' -- sh -c "$helper api $host alice/api/manifests/3 2>said; echo \$? \$(grep -o 'not found' said | head -n 1)"
done
head -c 30000000 /dev/urandom >large
for host in "$registry" "$basic" ghcr.io; do
  digest=sha256:$(sha256sum large | cut -d' ' -f1)
  says "^$digest$" -- "$helper" api "$host" alice/api/blobs/ --input large
  says "^${digest#sha256:} " -- sh -c "(ulimit -v 400000; $helper api $host alice/api/blobs/$digest) | sha256sum"
done
for host in "$registry" ghcr.io; do
  says '^4$' -- sh -c "$helper api $host carol/base/manifests/1 2>said; echo \$? \$(grep -o 'not found' said)"
  says '^4 UNAUTHORIZED: authentication required' -- sh -c "$helper api $host _catalog 2>said; echo \$? \$(sed -n 's/error: \(U.*\)/\1/p' said)"
done
works -- "$helper" api "$registry" public/base/tags/list
says '"alice/base"' -- "$helper" api "$basic" _catalog
says '"alice/api","alice/base"' -- "$helper" api "$basic" "_catalog?n=1" --paginate

new_home nothing
goes_as nobody -- "$helper" api "$registry" public/base/tags/list
says '^3$' -- sh -c "$helper api $registry alice/base/tags/list; echo \$?"

# A company has its own certificate authority, and its proxy is the only way to the registry.
new_home nothing alice
works -- "$helper" check ghcr.io
refused -- env -u SSL_CERT_FILE "$helper" check ghcr.io
says 'TLS failed' -- sh -c "! env -u SSL_CERT_FILE $helper check ghcr.io"
/usr/bin/python3 "$here/proxy.py" 127.0.0.1:3128 "$PWD/proxied" &
until_works proxy bash -c ': <>/dev/tcp/127.0.0.1/3128'
works -- env HTTPS_PROXY=http://127.0.0.1:3128 "$helper" check ghcr.io
says 'CONNECT ghcr.io:443' -- cat proxied
: >proxied
works -- env HTTPS_PROXY=http://127.0.0.1:3128 "$helper" api ghcr.io alice/base/tags/list
says 'CONNECT ghcr.io:443' -- cat proxied
: >proxied
works -- env HTTPS_PROXY=http://127.0.0.1:3128 NO_PROXY=ghcr.io,github.com "$helper" check ghcr.io
works -- env HTTPS_PROXY=http://127.0.0.1:3128 "$helper" check "$registry"
refused -- grep -q . proxied
refused -- env HTTPS_PROXY=http://127.0.0.1:1 "$helper" check ghcr.io
kill %%
