#!/bin/sh
# For mmdebstrap's --extract-hook: puts in init.sh, and the kernel modules that it loads, with their order.
# prepare.sh ROOT
set -eu
root=$1
cp -- "${0%/*}/init.sh" "$root/init"
chmod 755 "$root/init"
release=$(ls "$root/lib/modules")
chroot "$root" depmod "$release"
mkdir "$root/domuboot"
for module in xenfs xen_privcmd xen_evtchn xen_gntdev xen_gntalloc xen_blkback xen_netback bridge \
    loop isofs ahci sr_mod sd_mod; do
    chroot "$root" modprobe --show-depends --set-version "$release" "$module"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r module; do
    cp "$root/$module" "$root/domuboot/"
    echo "/domuboot/${module##*/}"
done >"$root/domuboot/modules"
[ -s "$root/domuboot/modules" ]
# bsdtar loses hard links on the way from tar to cpio.
find "$root/usr/bin" "$root/usr/sbin" -type f -links +1 | sort | while read -r file; do
    cp -p -- "$file" "$file.own"
    mv -- "$file.own" "$file"
done
