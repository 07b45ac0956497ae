#!/bin/busybox sh
# shellcheck shell=dash
# The only process of a Debian dom0 that lives in its initrd: starts what xl needs, then runs `xl create` for each
# virtual machine that the CD names, one after the other, and powers off. All it says begins with "domuboot:"; what a
# virtual machine says on its console begins with "NAME| ".
#
# /domuboot/modules         PATH                        the kernel modules, in the order in which they are loaded
# /cdrom/domuboot/attach    DEVICE ACCESS IMAGE         an image that becomes this device (ACCESS: r or w)
# /cdrom/domuboot/slots     DEVICE SECTOR               a partition of the hard disk, by its first sector
# /cdrom/domuboot/machines  NAME [TEXT]                 NAME.xl beside it is its configuration; it is shut down when its
#                                                       console shows TEXT, else it ends by itself
export PATH=/usr/lib/xen-4.17/bin:/usr/sbin:/usr/bin:/sbin:/bin:/busybox
/bin/busybox mkdir -p /proc /sys /dev /run /busybox /cdrom
/bin/busybox --install -s /busybox

say() {
    echo "domuboot: $*"
}

off() {
    say "powering off"
    poweroff -f
}

die() {
    say "failed: $*"
    dmesg | tail -n 30
    off
}

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
ln -s /proc/self/fd /dev/fd
ln -s fd/0 /dev/stdin # Xen's scripts look at their locks through it
ln -s fd/1 /dev/stdout
ln -s fd/2 /dev/stderr
mount -t devpts pts /dev/pts
mount -t tmpfs tmp /run
rm -rf /var/run /var/lock
ln -s /run /var/run
ln -s /run /var/lock
mkdir -p /run/xen /run/xenstored /var/lib/xen /var/lib/xenstored /var/log/xen/console
stty -onlcr </dev/console # Xen's serial driver adds the carriage returns
say "Linux $(uname -r)"

# One that wants an instruction which this processor lacks is not missed; what is, shows below.
while read -r module; do
    insmod "$module" 2>/dev/null || say "not loaded: $module"
done </domuboot/modules
mount -t xenfs xenfs /proc/xen || die "no xenfs"

# The drives come when they come; the kernel has no word for "all there".
tries=60
until mount -t iso9660 -o ro /dev/sr0 /cdrom 2>/dev/null && [ -b /dev/sda ]; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || die "no CD or no hard disk"
    sleep 1
done
say "CD and hard disk are there"
ln -s /cdrom/images /images
ln -s /cdrom/netbsd-XEN3_DOMU /netbsd-XEN3_DOMU

while read -r device access image; do
    loop=$(losetup -f)
    case $access in
    r) losetup -r "$loop" "$image" ;;
    *) losetup "$loop" "$image" ;;
    esac && ln -s "$loop" "$device" && say "$device is $image by $loop"
done </cdrom/domuboot/attach

# The kernel has read the disklabel; its names for the partitions are its own.
while read -r device sector; do
    for start in /sys/block/sda/sda*/start; do
        part=${start%/start}
        if [ "$(cat "$start")" = "$sector" ] && [ "$(cat "$part/partition")" -gt 4 ]; then
            ln -s "${part##*/}" "$device"
            say "$device is ${part##*/}, $(cat "$part/size") sectors"
        fi
    done
done </cdrom/domuboot/slots

{ ip link add bridge0 type bridge && ip link set bridge0 up; } || die "no bridge"

xenstored --pid-file /run/xenstored.pid || die "no xenstored"
xenconsoled --log=guest --log-dir=/var/log/xen/console --pid-file=/run/xenconsoled.pid || die "no xenconsoled"
xen-init-dom0 || die "no xen-init-dom0"
: >/var/log/xen/xen-hotplug.log
say "ready: $(free -m | awk '$1 == "Mem:" { print $3 " of " $2 " MiB used" }')"

# shut_down NAME TEXT PID: when its console has shown it, or xl, which is process PID, has ended.
shut_down() {
    until grep -q -e "$2" "/var/log/xen/console/guest-$1.log" 2>/dev/null; do
        kill -0 "$3" 2>/dev/null || return
        sleep 1
    done
    say "$1: shows $2"
    xl shutdown "$1"
}

while read -r name text <&3; do
    say "$name: xl create"
    # In the foreground: it ends with the virtual machine.
    xl create -F "/cdrom/domuboot/$name.xl" >/run/xl.log 2>&1 </dev/null &
    pid=$!
    [ -z "$text" ] || shut_down "$name" "$text" "$pid"
    wait "$pid"
    status=$?
    # What xl calls a panic is its own, and no alarm.
    cat /run/xl.log /var/log/xen/xen-hotplug.log | sed -e "s/^/xl: /" -e "s/ panic: / /"
    : >/var/log/xen/xen-hotplug.log
    if [ -f "/var/log/xen/console/guest-$name.log" ]; then
        tr -d '\r' <"/var/log/xen/console/guest-$name.log" | sed "s/^/$name| /"
    fi
    say "$name: xl ended with status $status"
done 3</cdrom/domuboot/machines
xl list
off
