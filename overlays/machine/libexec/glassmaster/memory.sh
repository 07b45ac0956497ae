# What is kept in memory, and the fstab of this start.
#
# shellcheck shell=sh
# shellcheck disable=SC2154  # gm_...: say.sh, disks.sh

# The device that the kernel took its root from: cd0a, or the partition of a stick or virtual disk. It is never
# written into fstab when the disc is made, since the same disc can be any of these.
gm_find_root() {
	gm_root=$(sysctl -n kern.root_device 2>/dev/null)
	gm_root_type=$(mount | sed -n 's,^[^ ]* on / type \([^ ]*\).*,\1,p')
	case $gm_root in
	'' | dk*) ;;
	*) gm_root=$gm_root$(gm_letter_of "$(sysctl -n kern.root_partition 2>/dev/null || echo 0)") ;;
	esac
}

# gm_in_memory DIRECTORY SIZE: put a tmpfs over a directory, with a copy of what the disc has there.
#
# The copy waits in /memory meanwhile. It cannot be read from below the new tmpfs: a process that already stands in the
# covered directory gets to the tmpfs too, since the kernel's lookup of "." crosses the mount.
gm_in_memory() {
	gm_waiting=$gm_memory/waiting
	mkdir "$gm_waiting" &&
		(cd "$1" && pax -rw -p e . "$gm_waiting") &&
		mount -t tmpfs -o "-s$2" tmpfs "$1" &&
		(cd "$gm_waiting" && pax -rw -p e . "$1")
	gm_status=$?
	rm -rf "$gm_waiting"
	return $gm_status
}

# gm_setting NAME: a variable of the configuration's rc.conf, read where its mistakes do no harm.
gm_setting() {
	(
		if [ -r "$gm_config/local/etc/rc.conf" ]; then
			# shellcheck source=/dev/null
			. "$gm_config/local/etc/rc.conf"
		else
			# shellcheck source=/dev/null
			. /etc/rc.conf
		fi
		eval "echo \"\${$1:-}\""
	) 2>/dev/null
}

# The fstab of this start. A configuration's own etc/fstab will lie over it and is taken whole; see gm_mount_rest.
gm_write_fstab() {
	{
		echo "# Written by /etc/rc when this system started from $gm_root."
		echo "/dev/$gm_root / ${gm_root_type:-cd9660} ro 0 0"
		gm_disk_line "${gm_swap_found:-$(gm_setting glassmaster_swap)}" none "swap sw 0 0"
		gm_disk_line "$(gm_setting glassmaster_var)" /var "ffs rw,noatime 1 2"
		gm_disk_line "$(gm_setting glassmaster_tmp)" /tmp "ffs rw,noatime 1 2"
		echo "kernfs /kern kernfs rw 0 0"
		echo "ptyfs /dev/pts ptyfs rw 0 0"
		echo "procfs /proc procfs rw 0 0"
	} >/etc/fstab
}

gm_disk_line() {
	[ -z "$1" ] || echo "$1 $2 $3"
}

# gm_fstab DIRECTORY: sets gm_fs_spec and gm_fs_type of its line in fstab; 1 when there is none.
gm_fstab() {
	while read -r gm_fs_spec gm_fs_file gm_fs_type _rest || [ -n "$gm_fs_spec" ]; do
		case $gm_fs_spec in
		'#'*) continue ;;
		esac
		[ "$gm_fs_file" != "$1" ] || return 0
	done </etc/fstab
	return 1
}

# A fstab of the configuration may leave out what every NetBSD has, and must not say where the root is.
gm_check_fstab() {
	if gm_fstab / && [ "$gm_fs_spec" != "/dev/$gm_root" ]; then
		gm_stage fstab failed "why=etc/fstab says that / is $gm_fs_spec, it is /dev/$gm_root"
		return 0
	fi
	gm_fstab /kern || mount -t kernfs kernfs /kern
	gm_fstab /proc || mount -t procfs procfs /proc
	gm_fstab /dev/pts || { mkdir -p /dev/pts && mount -t ptyfs ptyfs /dev/pts; }
	gm_stage fstab ok "root=/dev/$gm_root"
}

# /var and /tmp: from the disk when fstab says so (the release's own rc mounts them), otherwise in memory.
gm_writable() {
	if gm_fstab /var && gm_fill_var; then
		# shellcheck disable=SC2086  # nothing, or one word
		gm_stage var ok "from=$gm_fs_spec" $gm_mended
	elif gm_in_memory /var 64M; then
		gm_stage var ok from=memory
	else
		gm_stage var failed
		gm_shell "/var could not be made writable"
	fi
	if gm_fstab /tmp; then
		gm_stage tmp ok "from=$gm_fs_spec"
	elif mount -t tmpfs -o -s64M,-m1777 tmpfs /tmp; then
		gm_stage tmp ok from=memory
	else
		gm_stage tmp failed
	fi
}

# A /var on disk gets what the disc has there and it has not: everything at first, new directories of a new disc later.
# The disc's package database and its reference counts are not copied: they would hide the next disc's.
gm_fill_var() {
	gm_raw_device=/dev/r${gm_fs_spec#/dev/}
	mkdir -p "$gm_memory/var"
	if ! gm_fsck fsck -t "$gm_fs_type" -p "$gm_raw_device" || ! mount -t "$gm_fs_type" "$gm_fs_spec" "$gm_memory/var"; then
		gm_stage var failed "from=$gm_fs_spec" "why=it cannot be checked or mounted, /var is in memory"
		return 1
	fi
	(cd /var && find . \( -path ./db/pkg -o -path ./db/pkg.refcount \) -prune -o -print | pax -rw -d -k -p e "$gm_memory/var") ||
		gm_stage var warn "from=$gm_fs_spec" "why=not everything could be copied to it"
	umount "$gm_memory/var"
}
