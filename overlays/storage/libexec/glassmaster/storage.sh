# iSCSI targets, a mirror of them, a file system on it, and its export.
#
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # gm_...: say.sh; lease_...: lease.sh

storage_work=$gm_memory/storage
glassmaster_storage_targets=$(gm_setting glassmaster_storage_targets)
glassmaster_storage_degraded=$(gm_setting glassmaster_storage_degraded)
storage_interval=$(gm_setting glassmaster_storage_interval)
: "${storage_interval:=5}"
storage_conf=/etc/raid0.conf
storage_on=/storage

storage_letter() {
	gm_letter_of "$(sysctl -n kern.rawpartition)"
}

# The whole disk: a target is a component and has no label.
storage_raw() {
	echo "/dev/r$1$(storage_letter)"
}

# Eight bytes that no other start has.
storage_random() {
	dd if=/dev/urandom bs=8 count=1 2>/dev/null | od -An -tx1 | tr -d ' \n'
}

# What speaks iSCSI: a module where the kernel has it not built in, and the daemon. A target ends the session of a name
# that logs in again; iscsid's own name is the host's, and so the same on the machine that takes over.
storage_initiator() {
	storage_daemon || return 1
	[ ! -f "$storage_work/initiator" ] || return 0
	storage_name=iqn.1994-04.org.netbsd:iscsi.$(hostname -s):$(storage_random)
	iscsictl set_node_name -n "$storage_name" >/dev/null || return 1
	echo "$storage_name" >"$storage_work/initiator"
}

storage_daemon() {
	[ -c /dev/iscsi0 ] || (cd /dev && sh ./MAKEDEV iscsi0) || return 1
	iscsictl version >/dev/null 2>&1 && return 0
	modload iscsi 2>/dev/null
	iscsid || return 1
	storage_tries=0
	until iscsictl version >/dev/null 2>&1; do
		storage_tries=$((storage_tries + 1))
		[ $storage_tries -lt 10 ] || return 1
		sleep 1
	done
}

# storage_login ADDRESS,NAME: sets storage_disk to the disk that appears; 1 when the target cannot be reached.
storage_login() {
	storage_disk=''
	storage_known=" $(sysctl -n hw.disknames) "
	storage_portal=$(iscsictl add_target -a "${1%%,*}" -n "${1#*,}" | sed -n 's/.*Portal \([0-9]*\).*/\1/p')
	storage_session=$([ -n "$storage_portal" ] && iscsictl login -P "$storage_portal")
	storage_session=$(echo "$storage_session" | sed -n 's/^Created Session \([0-9]*\).*/\1/p')
	if [ -z "$storage_session" ]; then
		iscsictl remove_target -n "${1#*,}" >/dev/null 2>&1
		return 1
	fi
	storage_appeared
	storage_status=$?
	echo "$storage_session ${1#*,} ${storage_disk:-none}" >>"$storage_work/sessions"
	return $storage_status
}

# Sets storage_disk to the disk that is not one of storage_known.
storage_appeared() {
	storage_tries=0
	while :; do
		for storage_name in $(sysctl -n hw.disknames); do
			case $storage_known:$storage_name in
			*" $storage_name "*) ;;
			*:sd[0-9]*)
				storage_disk=$storage_name
				gm_node "r$storage_disk$(storage_letter)" "$storage_disk"
				return
				;;
			esac
		done
		storage_tries=$((storage_tries + 1))
		[ $storage_tries -lt 10 ] || return 1
		sleep 1
	done
}

storage_logout() {
	[ -f "$storage_work/sessions" ] || return 0
	while read -r storage_session storage_name _; do
		iscsictl logout -I "$storage_session" >/dev/null
		iscsictl remove_target -n "$storage_name" >/dev/null
	done <"$storage_work/sessions"
	rm -f "$storage_work/sessions"
}

# storage_uses DISK: whether it is one of the targets that this machine uses.
storage_uses() {
	case " $(cat "$storage_work/disks" 2>/dev/null) " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

# storage_alive BEAT ...: a program that gives or watches signs of life. Not a job of this shell, which would say how it ended.
storage_alive() (
	/libexec/glassmaster/storage-alive "$@" </dev/null >/dev/console 2>&1 &
	echo $! >>"$storage_work/alive"
)

# storage_use DISK: signs of life are given on it from now on.
storage_use() {
	storage_all=$(cat "$storage_work/disks" 2>/dev/null)
	echo "$storage_all${storage_all:+ }$1" >"$storage_work/disks"
	rm -f "$storage_work/beat.$1"
	storage_alive beat "$(cat "$storage_work/owner")" "$1"
}

# storage_give_up DISK: a target that is lost. What waits for it ends with an error only when its session ends; until then the
# whole mirror would wait.
storage_give_up() {
	gm_stage target lost "disk=$1"
	storage_left=''
	read -r storage_all <"$storage_work/disks"
	for storage_one in $storage_all; do
		[ "$storage_one" = "$1" ] || storage_left="$storage_left${storage_left:+ }$storage_one"
	done
	echo "$storage_left" >"$storage_work/disks"
	awk -v disk="$1" '$3 == disk { print $1 }' "$storage_work/sessions" | while read -r storage_session; do
		iscsictl logout -I "$storage_session" >/dev/null 2>&1 &
	done
	awk -v disk="$1" '$3 != disk' "$storage_work/sessions" >"$storage_work/sessions.new"
	mv "$storage_work/sessions.new" "$storage_work/sessions"
}

# storage_blank DISK: nothing is there but, perhaps, our own record of having put it down.
storage_blank() {
	dd if="$(storage_raw "$1")" of="$storage_work/begin" bs=65536 count=1 2>/dev/null || return 1
	[ "$(wc -c <"$storage_work/begin")" -eq 65536 ] || return 1
	[ -z "$(tr -d '\000' <"$storage_work/begin" | sed 's/^glassmaster-storage free 0 *$//')" ]
}

# Whether there is a mirror to start.
storage_made() {
	storage_why="the targets are empty (glassmaster-storage create SERIAL makes the mirror)"
	for storage_disk in $storage_disks; do
		storage_blank "$storage_disk" || return 0
	done
	return 1
}

# All targets, in order: storage_disks are those that are there, storage_missing the others, and raid0.conf is written.
storage_targets() {
	storage_disks='' storage_missing='' storage_number=0
	: >"$storage_work/edit"
	for storage_target in $glassmaster_storage_targets; do
		storage_number=$((storage_number + 1))
		if storage_login "$storage_target"; then
			storage_disks="$storage_disks${storage_disks:+ }$storage_disk"
			storage_device=/dev/$storage_disk$(storage_letter)
		else
			storage_missing="$storage_missing${storage_missing:+ }$storage_target"
			storage_device=/dev/missing$storage_number
		fi
		gm_stage target "${storage_disk:-missing}" "number=$storage_number" "target=$storage_target"
		echo "s,^[[:space:]]*target${storage_number}[[:space:]]*\$,$storage_device," >>"$storage_work/edit"
	done
	sed -f "$storage_work/edit" "$storage_conf" >"$storage_work/raid0.conf"
}

# The configuration must be one: every target once, and nothing else.
storage_check() {
	storage_why="glassmaster_storage_targets in rc.conf names no target"
	[ -n "$glassmaster_storage_targets" ] || return 1
	storage_number=0
	storage_why="there is no $storage_conf"
	[ -f "$storage_conf" ] || return 1
	for storage_target in $glassmaster_storage_targets; do
		storage_number=$((storage_number + 1))
		storage_why="$storage_target: must be ADDRESS,NAME"
		case $storage_target in
		?*,?*) ;;
		*) return 1 ;;
		esac
		storage_why="$storage_conf: target$storage_number must stand there once, under START disks"
		[ "$(grep -c "^[[:space:]]*target${storage_number}[[:space:]]*\$" "$storage_conf")" = 1 ] || return 1
	done
	storage_why="$storage_conf: names a disk; only target1 to target$storage_number may stand there"
	! grep -q '^[[:space:]]*/dev/' "$storage_conf"
}

# storage_reach DEGRADED: until the targets are disks. DEGRADED is YES when one may be missing.
storage_reach() {
	storage_check || return 1
	mkdir -p "$storage_work"
	storage_why="the iSCSI initiator does not start"
	storage_initiator || return 1
	storage_targets
	storage_why="no target can be reached"
	[ -n "$storage_disks" ] || return 1
	storage_why="missing: $storage_missing; another machine may be using it (glassmaster-storage start degraded)"
	[ -z "$storage_missing" ] || [ "$1" = YES ]
}

# The mirror becomes ours; from here on signs of life are given, however long fsck takes.
storage_take() {
	# shellcheck disable=SC2086  # one word for each
	lease_take $storage_disks || return 1
	echo "$lease_owner" >"$storage_work/owner"
	rm -f "$storage_work/disks" "$storage_work/alive"
	for storage_disk in $storage_disks; do
		storage_use "$storage_disk"
	done
	storage_alive watch
}

storage_mount() {
	storage_why="raidctl refuses the mirror; a component with another history is not used"
	gm_node "raid0$(storage_letter)" raid0
	raidctl -c "$storage_work/raid0.conf" raid0 || return 1
	echo raid0 >"$storage_work/configured"
	storage_why="no component of the mirror is good"
	storage_good=$(raidctl -s raid0 | grep -c '^ *[^ ]*: optimal')
	[ "$storage_good" -gt 0 ] || return 1
	# After a crash the halves may differ: the mirror is made one before anything reads it.
	raidctl -P raid0
	storage_device=$(storage_letter)
	storage_why="fsck of the mirror gave up; mend it by hand: fsck_ffs /dev/rraid0$storage_device"
	fsck -t ffs -p "/dev/rraid0$storage_device" || return 1
	storage_why="the mirror cannot be mounted"
	mount -t ffs -o noatime "/dev/raid0$storage_device" "$storage_on"
}

# Only what is mounted is served: an empty directory in its place would look like lost data.
storage_serve() {
	[ -f /etc/exports ] || return 0
	/etc/rc.d/mountd forcestart && /etc/rc.d/nfsd forcestart
}

storage_start() {
	! gm_mounted "$storage_on" || return 0
	if ! storage_reach "$1" || ! storage_made || ! storage_take; then
		storage_logout
		gm_stage storage refused "why=$storage_why"
		return 1
	fi
	if ! storage_mount; then
		gm_stage storage failed "why=$storage_why"
		storage_put_down
		return 1
	fi
	storage_serve || gm_stage nfs failed
	storage_status=ok
	[ "$storage_good" -ge "$storage_number" ] || storage_status=degraded
	gm_stage storage "$storage_status" "good=$storage_good" "of=$storage_number" "owner=$lease_owner"
}

# The record is freed last, when nothing writes any more; not when something is still mounted.
storage_put_down() {
	if gm_mounted "$storage_on"; then
		/etc/rc.d/nfsd forcestop
		/etc/rc.d/mountd forcestop
		umount "$storage_on" || return 1
	fi
	[ ! -f "$storage_work/configured" ] || raidctl -u raid0 || return 1
	rm -f "$storage_work/configured"
	[ -f "$storage_work/disks" ] || {
		storage_logout
		return 0
	}
	# shellcheck disable=SC2046  # one word for each
	kill $(cat "$storage_work/alive") 2>/dev/null
	# shellcheck disable=SC2046  # one word for each
	lease_free $(cat "$storage_work/disks")
	rm -f "$storage_work/disks" "$storage_work/alive"
	storage_logout
}
