# How glassmaster-prepare divides a disk: one NetBSD slice from 1 MiB to the end, and in its label
#   a config   b swap   c the slice   d the disk   then /var if wanted, then config and swap of each domU.
#
# shellcheck shell=sh
# shellcheck disable=SC2034  # whoever reads this file in uses the variables

gm_sectors_per_mib=2048 # sectors of 512 bytes; other disks are refused
gm_slice_start=2048

# gm_layout_begin SECTORS: how large the disk is.
gm_layout_begin() {
	gm_total=$1 gm_next=$gm_slice_start gm_lines='' gm_letters="e f g h i j k l m n o p" gm_mistake=''
}

# gm_layout_add LETTER MIB TYPE: LETTER may be "next". Sets gm_letter; 1 with gm_mistake when there is no more room.
gm_layout_add() {
	gm_letter=$1
	if [ "$1" = next ]; then
		gm_letter=${gm_letters%% *}
		[ -n "$gm_letter" ] || gm_layout_full "there are no more letters for partitions" || return 1
		gm_letters=${gm_letters#"$gm_letter"}
		gm_letters=${gm_letters# }
	fi
	gm_size=$(($2 * gm_sectors_per_mib))
	[ $((gm_next + gm_size)) -le "$gm_total" ] ||
		gm_layout_full "the disk has $((gm_total / gm_sectors_per_mib)) MiB, partition $gm_letter would end after them" || return 1
	case $3 in
	4.2BSD) gm_lines="$gm_lines $gm_letter: $gm_size $gm_next $3 0 0 0
" ;;
	*) gm_lines="$gm_lines $gm_letter: $gm_size $gm_next $3
" ;;
	esac
	gm_next=$((gm_next + gm_size))
}

gm_layout_full() {
	gm_mistake=$1
	return 1
}

# gm_layout_label: the label for disklabel -R; standard input is the present one, whose geometry stays.
gm_layout_label() {
	sed -n -e '/partitions:$/q' -e p
	echo "16 partitions:"
	printf '%s' "$gm_lines"
	echo " c: $((gm_total - gm_slice_start)) $gm_slice_start unused 0 0"
	echo " d: $gm_total 0 unused 0 0"
}

# gm_number TEXT: whether it is a number of MiB that a disk can have.
gm_number() {
	case $1 in
	'' | *[!0-9]* | 0* | ????????*) return 1 ;;
	esac
}
