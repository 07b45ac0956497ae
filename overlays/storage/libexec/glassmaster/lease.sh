# Who may write: a record on every target, so that two machines never use the mirror at once. docs/storage.md tells how far
# that goes.
#
# The record is one sector, 8 KiB from the start of a component: RAIDframe keeps off the first 32 KiB and has its own label at
# 16 KiB. It says who uses the mirror, and a number that grows while that machine lives; blanks fill it up:
#   glassmaster-storage OWNER NUMBER
# OWNER is new at each start, and "free" when the mirror was put down in order.
#
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # gm_...: say.sh; storage_...: storage.sh

lease_sector=16
lease_missed=5 # intervals without a sign of life, after which a target counts as lost; without any, an owner ends itself
lease_wait=8   # intervals without a sign of life, after which another may take over; more than lease_missed and one

# lease_read DISK: "OWNER NUMBER", "none 0" when there is no record; 1 when the disk cannot be read.
lease_read() {
	lease_copy=$storage_work/lease.$1
	dd if="$(storage_raw "$1")" of="$lease_copy" bs=512 skip=$lease_sector count=1 2>/dev/null || return 1
	[ "$(wc -c <"$lease_copy")" -eq 512 ] || return 1
	tr -d '\000' <"$lease_copy" | awk '$1 == "glassmaster-storage" { print $2, $3; found = 1 } END { if (!found) print "none 0" }'
}

# lease_write DISK OWNER NUMBER
lease_write() {
	printf '%-511s\n' "glassmaster-storage $2 $3" |
		dd of="$(storage_raw "$1")" bs=512 seek=$lease_sector count=1 conv=notrunc 2>/dev/null
}

# lease_records DISK ...: all of them in one line; 1 when one cannot be read.
lease_records() {
	for lease_disk; do
		lease_one=$(lease_read "$lease_disk") || return 1
		printf '%s: %s; ' "$lease_disk" "$lease_one"
	done
}

# lease_dead DISK ...: nobody gives signs of life on them. 1 with storage_why when somebody does, or may.
lease_dead() {
	storage_why="the record on a target cannot be read"
	lease_before=$(lease_records "$@") || return 1
	case $(echo "$lease_before" | tr ';' '\n' | grep -v -e ': none 0$' -e ': free 0$' -e '^ *$') in
	'') ;;
	*)
		gm_stage lease waiting "seconds=$((lease_wait * storage_interval))" "records=${lease_before%; }"
		sleep $((lease_wait * storage_interval))
		lease_after=$(lease_records "$@") || return 1
		storage_why="another machine uses it: ${lease_after%; }"
		[ "$lease_after" = "$lease_before" ] || return 1
		;;
	esac
}

# lease_take DISK ...: sets lease_owner. 1 with storage_why when the mirror is, or may be, another machine's.
lease_take() {
	lease_dead "$@" || return 1
	lease_owner=$(hostname -s).$(storage_random)
	storage_why="the record on a target cannot be written"
	for lease_disk; do
		lease_write "$lease_disk" "$lease_owner" 1 || return 1
	done
	# Two that start at the same time have both written; the later one's record is there now.
	sleep "$storage_interval"
	for lease_disk; do
		storage_why="another machine was quicker"
		[ "$(lease_read "$lease_disk")" = "$lease_owner 1" ] || return 1
	done
}

lease_free() {
	for lease_disk; do
		lease_write "$lease_disk" free 0
	done
}

# lease_beat OWNER NUMBER DISK: one sign of life. 1 when the target did not take it, 2 when the mirror is another's.
lease_beat() {
	lease_record=$(lease_read "$3") || return 1
	case $lease_record in
	"$1 "*) lease_write "$3" "$1" "$2" ;;
	*) return 2 ;;
	esac
}
