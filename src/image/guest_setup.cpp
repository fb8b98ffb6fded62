// The script that turns a bare Debian into a guest: name, network, login on the console, a short boot.
#include "image/guest_setup.h"

namespace strata::image {

const char* const guest_setup_script = R"sh(
set -e
root=$1

echo strata >"$root/etc/hostname"
printf '%s\n' '127.0.0.1 localhost' '127.0.1.1 strata' '::1 localhost ip6-localhost ip6-loopback' >"$root/etc/hosts"

# The whole disk is the root file system. The journal repairs it, so no check (0) delays the boot.
echo '/dev/vda / ext4 rw,relatime 0 0' >"$root/etc/fstab"

# Every Ethernet card by DHCP; names by the user-mode network's own server.
mkdir -p "$root/etc/systemd/network"
printf '%s\n' '[Match]' 'Kind=!*' 'Type=ether' '' '[Network]' 'DHCP=ipv4' >"$root/etc/systemd/network/80-ethernet.network"
rm -f "$root/etc/resolv.conf"
echo 'nameserver 10.0.2.3' >"$root/etc/resolv.conf"
chroot "$root" systemctl enable systemd-networkd.service

# The console is the machine's owner's: root logs in there without a password.
chroot "$root" passwd -d root

# Nothing waits for the network to be up, and no timer runs maintenance behind a short-lived guest's back.
for timer in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer; do
  [ ! -e "$root/usr/lib/systemd/system/$timer" ] && [ ! -e "$root/lib/systemd/system/$timer" ] ||
    chroot "$root" systemctl disable "$timer"
done
# What serves hardware that no guest has (EFI's crash store), and file systems that are mounted in case somebody looks
# (tracers, huge pages, foreign binaries): a boot starts each as a process, and on an emulated CPU each takes its time.
# `systemctl unmask` brings any of them back.
chroot "$root" systemctl mask systemd-networkd-wait-online.service systemd-networkd-persistent-storage.service \
  systemd-network-generator.service systemd-udev-load-credentials.service systemd-pstore.service \
  modprobe@efi_pstore.service modprobe@drm.service e2scrub_reap.service systemd-binfmt.service \
  proc-sys-fs-binfmt_misc.automount sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount \
  sys-fs-fuse-connections.mount dev-hugepages.mount
# The caches that systemd renews after an update of /usr are fresh.
touch -r "$root/usr" "$root/etc/.updated" "$root/var/.updated"

# An empty id: each machine makes its own at its first boot.
: >"$root/etc/machine-id"
)sh";

}  // namespace strata::image
