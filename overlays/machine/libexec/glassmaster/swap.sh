# A whole disk for swap, as a virtual machine gets one. The kernel swaps only to a partition that a label calls swap, and a
# new disk has no label: an empty one gets it. A disk with anything on it is left alone.
#
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # gm_...: say.sh, disks.sh, memory.sh

gm_swap_start=64 # sectors; the label is in the first of them

# Sets gm_swap_found to the partition, or to nothing. The default disk need not be there; a partition that was named comes first.
gm_swap_disk() {
	gm_swap_found=''
	gm_swap_on=$(gm_setting glassmaster_swap_disk)
	[ -n "$gm_swap_on" ] && [ -z "$(gm_setting glassmaster_swap)" ] || return 0
	case " $(gm_disks | tr '\n' ' ')" in
	*" $gm_swap_on "*) ;;
	*) return 0 ;;
	esac
	gm_why="there is no /dev/${gm_swap_on}b"
	if ! gm_node "${gm_swap_on}b" "$gm_swap_on" || { ! gm_is_swap && ! gm_label_swap; }; then
		gm_stage swap refused "disk=$gm_swap_on" "why=$gm_why"
		return 0
	fi
	gm_swap_found=/dev/${gm_swap_on}b
	gm_stage swap ok "dev=$gm_swap_found"
}

gm_is_swap() {
	disklabel "$gm_swap_on" 2>/dev/null | grep -q '^ *b: .* swap '
}

# Only when the first 128 KiB are zeros: where labels, partition tables and the superblocks of file systems would be.
gm_label_swap() {
	gm_why="it has no swap partition b, and there is something on it"
	gm_raw=$(gm_letter_of "$(sysctl -n kern.rawpartition)")
	gm_zeros=$(dd if="/dev/r$gm_swap_on$gm_raw" bs=65536 count=2 2>/dev/null | tr -cd '\000' | wc -c)
	[ "$gm_zeros" -eq 131072 ] || return 1
	gm_why="disklabel does not say how large it is"
	gm_sectors=$(disklabel "$gm_swap_on" 2>/dev/null | sed -n 's/^total sectors: //p')
	case $gm_sectors in
	'' | *[!0-9]* | ? | ?? | ???) return 1 ;;
	esac
	gm_why="it could not be labelled"
	{
		disklabel "$gm_swap_on" 2>/dev/null | sed -n -e '/partitions:$/q' -e p
		echo "4 partitions:"
		echo " b: $((gm_sectors - gm_swap_start)) $gm_swap_start swap"
		echo " $gm_raw: $gm_sectors 0 unused 0 0"
	} >"$gm_memory/swap.label"
	disklabel -R -r "$gm_swap_on" "$gm_memory/swap.label"
}
