#!/bin/sh
# Installs the built product and its unit: sh packaging/install.sh [DESTDIR]. Node comes along, so that the system's own, if any,
# need not be of the right version. The program goes by three names, as in the image: kube-ipvs, and kube-proxy and ipvsadm where the
# system has none of its own.
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

# Another program of this name, which a link of ours would hide or replace.
theirs() {
  for folder in usr/local/sbin usr/local/bin usr/sbin usr/bin sbin bin; do
    program=$destination/$folder/$1
    if [ -e "$program" ] && [ "$(readlink "$program")" != "$home/kube-ipvs.js" ]; then echo "$program"; return; fi
  done
}

ln -sf "$home/kube-ipvs.js" "$destination/usr/local/bin/kube-ipvs"
for name in kube-proxy ipvsadm; do
  other=$(theirs "$name")
  if [ -z "$other" ]; then
    ln -sf "$home/kube-ipvs.js" "$destination/usr/local/bin/$name"
  else
    echo "$other is left as it is; ours of that name is kube-ipvs$([ "$name" = kube-proxy ] || echo " $name")" >&2
  fi
done
install -m 644 "$checkout/packaging/kube-ipvs.service" "$destination/etc/systemd/system/kube-ipvs.service"
