# What /etc is made of: the disc's copy in memory, and the configuration's over it.
#
# shellcheck shell=sh
# shellcheck disable=SC2154  # gm_...: say.sh

# Files that are the same on all machines: a link in /etc leads to the one in /config/global.
gm_link_global() {
	gm_files=$(gm_setting glassmaster_global)
	for gm_file in ${gm_files:-hosts}; do
		case /$gm_file/ in
		*/../*) continue ;;
		esac
		if [ -f "$gm_config/global/$gm_file" ] && [ -d "/etc/$(dirname "$gm_file")" ]; then
			rm -f "/etc/$gm_file"
			ln -s "$gm_config/global/$gm_file" "/etc/$gm_file"
		fi
	done
}

# The union needs an FFS above (or a tmpfs). Where the kernel refuses it, a copy makes the machine start all the same, and the
# line says what is lost.
gm_cover_etc() {
	mkdir -p "$gm_config/local/etc"
	gm_why=$(mount -t union "$gm_config/local/etc" /etc 2>&1)
	if gm_mounted /etc union; then
		gm_stage etc ok union=/config/local/etc
		return 0
	fi
	if (cd "$gm_config/local/etc" && pax -rw -p e . /etc); then
		gm_stage etc degraded copy=/config/local/etc "why=${gm_why:-the union is not there}; changes in /etc will be lost"
	else
		gm_stage etc failed "why=${gm_why:-neither union nor copy}"
		gm_shell "/config/local/etc could not be put over /etc"
	fi
}
