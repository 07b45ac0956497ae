# domu.conf, read without evaluating anything, and the xl configuration made of it (docs/domu-conf.md has the format).
#
# shellcheck shell=sh
# shellcheck disable=SC2034  # whoever reads this file in uses the variables

# domu_read FILE [NAME]: sets domu_KEY for every key, and domu_data1 to domu_data8. NAME is what messages call the file.
# At the first mistake it sets domu_mistake and returns 1. The caller runs under LC_ALL=C: ranges mean bytes.
domu_read() {
	domu_file=$1
	domu_label=${2:-$1}
	domu_defaults
	domu_line=0
	while IFS= read -r domu_text || [ -n "$domu_text" ]; do
		domu_line=$((domu_line + 1))
		domu_read_line || return 1
	done <"$domu_file"
	[ -n "$domu_memory" ] || domu_missing "memory is missing" || return 1
	[ -n "$domu_root" ] || domu_missing "root is missing" || return 1
	case $domu_mac,$domu_bridge in
	, | ?*,?*) ;;
	*) domu_missing "mac and bridge belong together" || return 1 ;;
	esac
	domu_finish
}

domu_defaults() {
	domu_mistake='' domu_seen=' ' domu_datas=0
	domu_memory='' domu_vcpus='' domu_mac='' domu_bridge='' domu_root='' domu_config='' domu_swap=''
	domu_data1='' domu_data2='' domu_data3='' domu_data4='' domu_data5='' domu_data6='' domu_data7='' domu_data8=''
	domu_kernel='' domu_arguments='' domu_order='' domu_autostart=''
}

domu_finish() {
	: "${domu_vcpus:=1}" "${domu_order:=100}" "${domu_autostart:=yes}" "${domu_kernel:=/netbsd-XEN3_DOMU}"
	case $domu_seen in
	*' arguments '*) ;;
	*) domu_arguments="root=xbd0a" ;;
	esac
}

domu_missing() {
	domu_mistake="$domu_label: $1"
	return 1
}

domu_wrong() {
	domu_mistake="$domu_label:$domu_line: $1"
	return 1
}

# domu_trim TEXT: without blanks at both ends, in domu_trimmed.
domu_trim() {
	domu_trimmed=$1
	while :; do
		case $domu_trimmed in
		[\ \	]*) domu_trimmed=${domu_trimmed#?} ;;
		*[\ \	]) domu_trimmed=${domu_trimmed%?} ;;
		*) return 0 ;;
		esac
	done
}

domu_read_line() {
	case $domu_text in
	*[!\ -~\	]*) domu_wrong "only printable ASCII is allowed" || return 1 ;;
	esac
	domu_trim "$domu_text"
	case $domu_trimmed in
	'' | '#'*) return 0 ;;
	=*) domu_wrong 'not of the form "key = value"' || return 1 ;;
	*=*) ;;
	*) domu_wrong 'not of the form "key = value"' || return 1 ;;
	esac
	domu_rest=${domu_trimmed#*=}
	domu_trim "${domu_trimmed%%=*}"
	domu_key=$domu_trimmed
	domu_trim "$domu_rest"
	domu_value=$domu_trimmed
	domu_once || return 1
	domu_take
}

# A key is known, and has not been given yet.
domu_once() {
	case $domu_key in
	data)
		[ "$domu_datas" -lt 8 ] || domu_wrong "data: given more than 8 times" || return 1
		domu_datas=$((domu_datas + 1))
		return 0
		;;
	memory | vcpus | mac | bridge | root | config | swap | kernel | arguments | order | autostart) ;;
	*) domu_wrong "$domu_key: no such key" || return 1 ;;
	esac
	case $domu_seen in
	*" $domu_key "*) domu_wrong "$domu_key: given twice" || return 1 ;;
	esac
	domu_seen="$domu_seen$domu_key "
}

domu_take() {
	case $domu_key in
	memory) domu_number 1 1048576 && domu_memory=$domu_value ;;
	vcpus) domu_number 1 128 && domu_vcpus=$domu_value ;;
	order) domu_number 0 9999 && domu_order=$domu_value ;;
	mac) domu_is_mac && domu_mac=$domu_value ;;
	bridge) domu_is_bridge && domu_bridge=$domu_value ;;
	root) domu_is_path && domu_root=$domu_value ;;
	config) domu_is_path && domu_config=$domu_value ;;
	swap) domu_is_path && domu_swap=$domu_value ;;
	kernel) domu_is_path && domu_kernel=$domu_value ;;
	data) domu_is_path && domu_take_data ;;
	arguments) domu_is_arguments && domu_arguments=$domu_value ;;
	autostart) domu_is_yes_or_no && domu_autostart=$domu_value ;;
	esac
}

domu_take_data() {
	case $domu_datas in
	1) domu_data1=$domu_value ;;
	2) domu_data2=$domu_value ;;
	3) domu_data3=$domu_value ;;
	4) domu_data4=$domu_value ;;
	5) domu_data5=$domu_value ;;
	6) domu_data6=$domu_value ;;
	7) domu_data7=$domu_value ;;
	8) domu_data8=$domu_value ;;
	esac
}

# Eight digits or more are above every limit here, and might be too large for the shell.
domu_number() {
	case $domu_value in
	'' | *[!0-9]* | 0?* | ????????*) ;;
	*) [ "$domu_value" -lt "$1" ] || [ "$domu_value" -gt "$2" ] || return 0 ;;
	esac
	domu_wrong "$domu_key: must be a number from $1 to $2"
}

domu_is_mac() {
	case $domu_value in
	*[!0-9a-f:]*) ;;
	[!:][02468ace]:[!:][!:]:[!:][!:]:[!:][!:]:[!:][!:]:[!:][!:]) return 0 ;;
	esac
	domu_wrong "mac: must be six pairs of lower-case hexadecimal digits, not multicast"
}

domu_is_bridge() {
	case $domu_value in
	*[!0-9a-z]* | ????????????????*) ;;
	[a-z]*) return 0 ;;
	esac
	domu_wrong "bridge: must be a name such as bridge0"
}

domu_is_path() {
	case $domu_value in
	*[!A-Za-z0-9._/+-]* | *//* | */ | */. | */.. | */./* | */../*) ;;
	/*) [ ${#domu_value} -gt 200 ] || return 0 ;;
	esac
	domu_wrong "$domu_key: must be an absolute path of plain characters"
}

domu_is_arguments() {
	case $domu_value in
	*[!A-Za-z0-9\ \	._/=:,+-]*) ;;
	*) [ ${#domu_value} -gt 200 ] || return 0 ;;
	esac
	domu_wrong "arguments: must be up to 200 plain characters"
}

domu_is_yes_or_no() {
	case $domu_value in
	yes | no) return 0 ;;
	esac
	domu_wrong "autostart: must be yes or no"
}

# domu_is_name NAME: whether a directory's name can be a virtual machine's.
domu_is_name() {
	case $1 in
	*[!a-z0-9-]* | -* | '') return 1 ;;
	esac
	[ ${#1} -le 63 ]
}

# domu_xl NAME: the xl configuration of what domu_read has read, to standard output. Each image is attached by
# attach_image, which sets attached_device; its failure is ours, with domu_mistake.
domu_xl() {
	domu_disks=''
	domu_disk "$domu_root" xvda r && domu_disk "$domu_config" xvdb w && domu_disk "$domu_swap" xvdc w &&
		domu_disk "$domu_data1" xvdd w && domu_disk "$domu_data2" xvde w && domu_disk "$domu_data3" xvdf w &&
		domu_disk "$domu_data4" xvdg w && domu_disk "$domu_data5" xvdh w && domu_disk "$domu_data6" xvdi w &&
		domu_disk "$domu_data7" xvdj w && domu_disk "$domu_data8" xvdk w || return 1
	printf '%s\n' "# $1: made from its domu.conf; what is changed here is lost."
	printf '%s\n' "name = \"$1\"" 'type = "pv"' "kernel = \"$domu_kernel\""
	[ -z "$domu_arguments" ] || printf '%s\n' "extra = \"$domu_arguments\""
	printf '%s\n' "memory = $domu_memory" "vcpus = $domu_vcpus"
	[ -z "$domu_mac" ] || printf '%s\n' "vif = [ \"mac=$domu_mac,bridge=$domu_bridge\" ]"
	printf '%s\n' "disk = [ $domu_disks ]" 'on_poweroff = "destroy"' 'on_reboot = "restart"' 'on_crash = "destroy"'
}

# domu_disk PATH DEVICE r|w: one more disk; none for an empty path.
domu_disk() {
	case $1 in
	'') return 0 ;;
	/dev/*) attached_device=$1 ;;
	*)
		attached_device=''
		attach_image "$1" "$3" || return 1
		;;
	esac
	domu_disks="$domu_disks${domu_disks:+, }\"phy:$attached_device,$2,$3\""
}
