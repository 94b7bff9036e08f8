#!/bin/sh
# First process of a kernel of the lab's own: mounts, modules, loopback; then runs $LAB_RUN/command.sh and powers off.
# LAB_* come from the kernel's command line (test/lab/uml.mjs, test/lab/debian.mjs); / is the host's own tree.
# The command's output goes to files that the host follows, because an exit status cannot leave the machine any
# other way. Written for few processes: each fork costs about 100 ms in User-Mode Linux.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd

# A checkout or cache under /tmp or /run would vanish behind the tmpfs: such paths (in keep) are bound back.
exec 9<"$LAB_RUN/keep"
[ -s "$LAB_RUN/keep" ] && mount --bind / /mnt
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir -p /run/netns /run/lock
while read -r path <&9; do
  mkdir -p "$path" && mount --bind "/mnt$path" "$path"
done
[ -s "$LAB_RUN/keep" ] && umount -l /mnt

# Where / is a layer above the host's tree, what is written in these folders still reaches the host.
if [ -e "$LAB_RUN/through" ]; then
  exec 9<"$LAB_RUN/through"
  mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 machine /mnt
  while read -r path <&9; do
    mount --bind "/mnt$path" "$path"
  done
  umount -l /mnt
fi

if [ -n "$LAB_MODULES" ]; then
  mkdir -p /lib/modules
  mount --bind "$LAB_MODULES" /lib/modules
fi
modprobe -a $(cat "$LAB_RUN/modules") 2>"$LAB_RUN/modprobe.log"
ip link set lo up
if [ -n "$LAB_TAP" ]; then
  [ "$LAB_TAP" = vec0 ] || { modprobe virtio_net; ip link set "$LAB_TAP" name vec0; }
  ip link set vec0 up
  ip address add 198.18.0.2/30 dev vec0
fi
if [ -n "$LAB_LINE" ]; then
  stty -F "$LAB_LINE" raw -echo
  export KUBE_IPVS_LINE="$LAB_LINE"
fi
if [ -n "$LAB_LINES" ]; then
  modprobe virtio_console
  exec 3<"${LAB_LINES}1" 4>"${LAB_LINES}2"
fi
ulimit -n 65536
: >"$LAB_RUN/ready"

if [ -e "$LAB_RUN/tty" ]; then
  # Its own session with a controlling terminal, so that Ctrl-C reaches the command and not this script.
  setsid -c -w sh "$LAB_RUN/command.sh" <>"${LAB_TERMINAL:-/dev/tty0}" >&0 2>&0
else
  setsid -w sh "$LAB_RUN/command.sh" </dev/null >>"$LAB_RUN/stdout" 2>>"$LAB_RUN/stderr"
fi
echo $? >"$LAB_RUN/status.part"
mv "$LAB_RUN/status.part" "$LAB_RUN/status"
echo o >/proc/sysrq-trigger
sleep 10
