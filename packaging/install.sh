#!/bin/sh
# Installs the built product and its unit: sh packaging/install.sh [DESTDIR]. Node comes along, so that the system's own, if any,
# need not be of the right version.
set -eu

checkout=$(dirname "$(dirname "$(realpath "$0")")")
destination=${1:-}
home=/usr/local/lib/kube-ipvs

for file in dist/kube-ipvs.js dist/kube_ipvs.node node_modules/node/bin/node; do
  if [ ! -e "$checkout/$file" ]; then
    echo "$file is not there: run npm ci and npm run build first" >&2
    exit 1
  fi
done

install -d "$destination$home" "$destination/usr/local/bin" "$destination/etc/systemd/system"
install -m 755 "$checkout/node_modules/node/bin/node" "$destination$home/node"
install -m 644 "$checkout/dist/kube_ipvs.node" "$destination$home/kube_ipvs.node"
sed "1s|^#!.* node|#!$home/node|" "$checkout/dist/kube-ipvs.js" >"$destination$home/kube-ipvs.js"
chmod 755 "$destination$home/kube-ipvs.js"
ln -sf "$home/kube-ipvs.js" "$destination/usr/local/bin/kube-ipvs"
install -m 644 "$checkout/packaging/kube-ipvs.service" "$destination/etc/systemd/system/kube-ipvs.service"
