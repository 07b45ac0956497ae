# Finding /config: the first partition of the first disk that holds the marker file.
#
# shellcheck shell=sh
# shellcheck disable=SC2154  # marker: /etc/glassmaster/settings; gm_...: say.sh

# Disks in the kernel's order. No CDs, floppies or memory disks; wedges (dk) come with the disk that they are on.
gm_disks() {
	for gm_disk in $(sysctl -n hw.disknames); do
		case $gm_disk in
		cd[0-9]* | fd[0-9]* | md[0-9]* | dk[0-9]*) ;;
		*) echo "$gm_disk" ;;
		esac
	done
}

# gm_partitions DISK: its FFS partitions and then its FFS wedges. The label's order; not the root, and not the whole disk
# (kern.rawpartition), which may begin with another partition's file system. A disk without a label has one partition, a.
gm_partitions() {
	gm_raw=$(sysctl -n kern.rawpartition 2>/dev/null)
	gm_disk_nodes "$1"
	disklabel "$1" 2>/dev/null | while read -r gm_letter _size _offset gm_type _rest; do
		case $gm_letter:$gm_type in
		[a-p]::4.2BSD)
			case $gm_letter$1${gm_letter%:} in
			"$(gm_letter_of "${gm_raw:-3}"):"* | [a-p]:"$gm_root") ;;
			*) echo "$1${gm_letter%:}" ;;
			esac
			;;
		esac
	done
	dkctl "$1" listwedges 2>/dev/null | while read -r gm_name gm_rest; do
		case $gm_name:$gm_rest in
		dk[0-9]*::*", type: ffs") echo "${gm_name%:}" ;;
		esac
	done
}

# gm_letter_of NUMBER: partitions are numbered from 0, /dev calls them a to p.
gm_letter_of() {
	gm_number=$1
	set -- a b c d e f g h i j k l m n o p
	shift "$gm_number"
	echo "$1"
}

# gm_has_marker PARTITION: look into it, read-only, and leave it as it was.
gm_has_marker() {
	case $1 in
	dk*) gm_node "$1" "$1" || return 1 ;;
	esac
	mount -t ffs -o ro,nodev,noexec,nosuid "/dev/$1" "$gm_config" 2>/dev/null || return 1
	gm_there=1
	[ ! -f "$gm_config/$marker" ] || gm_there=0
	umount "$gm_config"
	return $gm_there
}

# gm_disk_nodes DISK: all that MAKEDEV knows of it, before anything asks the disk. A kind that it does not know is passed over.
gm_disk_nodes() {
	gm_node "r$1$(gm_letter_of "$(sysctl -n kern.rawpartition 2>/dev/null || echo 3)")" "$1" >/dev/null 2>&1 || :
}

# gm_node NAME DISK: /dev has the nodes of a few disks only.
gm_node() {
	[ -e "/dev/$1" ] || (cd /dev && sh ./MAKEDEV "$2")
}

# Sets gm_found to the first partition with the marker, and gm_looked to all that were looked into.
gm_look() {
	gm_found='' gm_looked=''
	for gm_disk in $(gm_disks); do
		for gm_partition in $(gm_partitions "$gm_disk"); do
			gm_looked="$gm_looked${gm_looked:+,}$gm_partition"
			if gm_has_marker "$gm_partition"; then
				gm_found=$gm_partition
				return 0
			fi
		done
	done
	return 1
}

# gm_mount_config PARTITION: check it, and mount it for writing. fsck -p does nothing to a clean file system; what it
# cannot mend by itself needs a person.
gm_mount_config() {
	if ! gm_fsck fsck_ffs -p "/dev/r$1"; then
		gm_stage config failed "dev=/dev/$1" "why=fsck_ffs -p gave up"
		gm_shell "/dev/$1 needs fsck_ffs by hand"
		return 1
	fi
	if ! mount -t ffs -o noatime "/dev/$1" "$gm_config"; then
		gm_stage config failed "dev=/dev/$1" "why=it cannot be mounted for writing"
		gm_shell "/dev/$1 cannot be mounted on $gm_config"
		return 1
	fi
	# shellcheck disable=SC2086  # nothing, or one word
	gm_stage config ok "dev=/dev/$1" $gm_mended
}

# gm_fsck COMMAND ...: sets gm_mended to mended=yes when the file system had not been unmounted, as after a power cut.
gm_fsck() {
	"$@" >"$gm_memory/fsck" 2>&1
	gm_status=$?
	cat "$gm_memory/fsck"
	gm_mended=mended=yes
	! grep -q '; not checking$' "$gm_memory/fsck" || gm_mended=''
	return $gm_status
}

# Until there is a /config.
gm_find_config() {
	while :; do
		if gm_look; then
			gm_mount_config "$gm_found" || continue
			return 0
		fi
		# shellcheck disable=SC2046  # one word for each disk
		gm_join $(gm_disks)
		gm_stage config none "disks=${gm_joined:-none}" "looked=${gm_looked:-none}" "marker=$marker"
		gm_shell "no partition holds the file $marker"
	done
}
