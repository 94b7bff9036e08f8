#!/bin/sh
# Lays out the image's file tree in three parts (system, node, program), inside a Debian stage where the packages are installed:
# tree.sh TARGET PROGRAM. Of Debian it takes the programs below, the shared libraries that they load, their licences, and
# the packages' own description, so that scanners find what is installed. All times are the same, so that equal contents make
# equal layers, in the next release too.
set -eu

target=$1
program=$2
system=$target/system
package_names=$(mktemp)

xtables_folder=$(dirname "$(dpkg -L iptables | grep '/libxt_set\.so$')")

# Copies a path of this root and, where it is a link, what it leads to; notes the package it is from.
take() {
  folder=$(realpath "$(dirname "$1")")
  path=$folder/$(basename "$1")
  [ -e "$system$path" ] && return
  mkdir -p "$system$folder"
  cp -a "$path" "$system$path"
  note "$path"
  if [ -L "$path" ]; then take "$(realpath -s "$folder/$(readlink_from "$path")")"; fi
}

readlink_from() {
  link=$(readlink "$1")
  case $link in
    /*) realpath --relative-to="$(dirname "$1")" -s "$link" ;;
    *) echo "$link" ;;
  esac
}

# dpkg knows files of the merged /usr by either name.
note() {
  owner=$(dpkg -S "$1" 2>/dev/null || dpkg -S "${1#/usr}" 2>/dev/null || true)
  [ -z "$owner" ] || echo "${owner%%:*}" >>"$package_names"
}

take_libraries() {
  for library in $(ldd "$1" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) .*/\1/p'); do
    take "$library"
  done
}

mkdir -p "$system"
cd "$system"
mkdir -p usr/bin usr/sbin usr/lib usr/lib64 usr/lib/modules dev etc proc run sys tmp root var/lib/dpkg/status.d
chmod 1777 tmp
chmod 700 root
# Where the kubelet mounts the service account.
ln -s /run var/run
for name in bin sbin lib lib64; do ln -s "usr/$name" "$name"; done

for path in /usr/sbin/ipset /usr/sbin/xtables-nft-multi /usr/sbin/xtables-legacy-multi /usr/bin/kmod; do
  take "$path"
  take_libraries "$path"
done
for path in "$xtables_folder"/*.so; do
  take "$path"
  take_libraries "$path"
done
for tool in iptables ip6tables; do
  for variant in nft legacy; do
    for suffix in '' -save -restore; do
      ln -s "xtables-$variant-multi" "usr/sbin/$tool-$variant$suffix"
    done
  done
  # The product looks for the rules that are there and names the variant; a person at a prompt gets Debian's default.
  for suffix in '' -save -restore; do ln -s "$tool-nft$suffix" "usr/sbin/$tool$suffix"; done
done
for name in modprobe insmod rmmod; do ln -s ../bin/kmod "usr/sbin/$name"; done
ln -s kmod usr/bin/lsmod

take /etc/protocols
take /etc/services
take /usr/lib/os-release
ln -s ../usr/lib/os-release etc/os-release
echo 'root:x:0:0:root:/root:/sbin/nologin' >etc/passwd
echo 'root:x:0:' >etc/group
printf '%s: files\n' passwd group services protocols >etc/nsswitch.conf
echo 'hosts: files dns' >>etc/nsswitch.conf

node=$target/node
mkdir -p "$node/usr/local/bin"
cp /usr/local/bin/node "$node/usr/local/bin/node"
take_libraries /usr/local/bin/node
take_libraries "$program/kube_ipvs.node"

for package in $(sort -u "$package_names"); do
  dpkg-query --status "$package" >"var/lib/dpkg/status.d/$package"
  mkdir -p "usr/share/doc/$package"
  cp -L "/usr/share/doc/$package/copyright" "usr/share/doc/$package/"
done

home=usr/lib/kube-ipvs
mkdir -p "$target/program/$home" "$target/program/usr/local/bin" "$target/program/usr/share/doc/kube-ipvs"
cd "$target/program"
# There is no env to look Node up in PATH; Node's flags stay.
sed '1s|^#!.* node|#!/usr/local/bin/node|' "$program/kube-ipvs.js" >$home/kube-ipvs.js
chmod 755 $home/kube-ipvs.js
cp "$program/kube_ipvs.node" $home/
cp "$program/LICENSE" "$program"/*.LEGAL.txt usr/share/doc/kube-ipvs/
# Which packages of npm are in the bundle, for the bill of materials.
grep -o '"node_modules/[^"]*":' "$program/bundle.json" |
  sed -E 's|^"(.*node_modules/(@[^/]+/)?[^/]+)/.*|\1|' | sort -u >usr/share/doc/kube-ipvs/bundled
for name in kube-ipvs kube-proxy ipvsadm; do ln -s /$home/kube-ipvs.js "usr/local/bin/$name"; done

find "$target" -exec touch --no-dereference --date=@0 {} +
