# A server's configuration is checked for its virtual machines too: every domu.conf must be readable.
#
# shellcheck shell=sh
# shellcheck disable=SC2154  # domu_...: domuconf.sh

# shellcheck source=/dev/null
. /libexec/glassmaster/domuconf.sh
gm_checks="$gm_checks gm_check_domus"

gm_check_domus() {
	gm_status=0
	for gm_file in local/domUs/*/domu.conf; do
		[ -f "$gm_file" ] || continue
		gm_name=${gm_file%/domu.conf}
		gm_name=${gm_name##*/}
		domu_is_name "$gm_name" || gm_check_mistake "$gm_file: $gm_name: not a name for a virtual machine" || gm_status=1
		domu_read "$gm_file" || gm_check_mistake "$domu_mistake" || gm_status=1
	done
	return $gm_status
}
