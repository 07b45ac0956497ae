# The virtual machines of /config/local/domUs: in order, each by itself.
#
# shellcheck shell=sh
# shellcheck disable=SC2154  # domu_...: domuconf.sh; gm_...: say.sh

gm_domus=$gm_config/local/domUs
gm_domus_run=$gm_memory/domUs # NAME.xl, and NAME.attached: devices to give back

# The hook of domuconf.sh.
attach_image() {
	if attached_device=$("${glassmaster_attach:-/libexec/glassmaster/attach}" "$1" "$2" 2>"$gm_domus_run/why"); then
		echo "$attached_device" >>"$gm_domus_run/$gm_domu.attached"
		return 0
	fi
	domu_mistake="$1 could not be attached: $(head -n 1 "$gm_domus_run/why")"
	return 1
}

gm_domu_place() {
	mkdir -p "$gm_domus_run" && chmod 700 "$gm_domus_run"
}

# gm_domu_detach NAME: gives its devices back. Xen's back end may hold one for a moment; what cannot be given back is kept in the list,
# and tried again when the machine is started or stopped the next time.
gm_domu_detach() {
	[ -f "$gm_domus_run/$1.attached" ] || return 0
	gm_left=''
	while read -r gm_device; do
		gm_domu_give_back "$gm_device" </dev/null && continue
		gm_left="$gm_left${gm_left:+ }$gm_device"
		gm_held_why=$(head -n 1 "$gm_domus_run/why")
	done <"$gm_domus_run/$1.attached"
	rm -f "$gm_domus_run/$1.attached"
	[ -n "$gm_left" ] || return 0
	echo "$gm_left" | tr ' ' '\n' >"$gm_domus_run/$1.attached"
	gm_stage domu warn "name=$1" "why=could not be detached: $gm_left: $gm_held_why"
}

gm_domu_give_back() {
	for gm_try in 1 2 3 4 5; do
		[ "$gm_try" = 1 ] || sleep 1
		! "${glassmaster_attach:-/libexec/glassmaster/attach}" -d "$1" 2>"$gm_domus_run/why" || return 0
	done
	return 1
}

gm_domu_failed() {
	gm_stage domu failed "name=$1" "why=$2"
	return 1
}

# gm_domu_read NAME: into domu_...; a mistake is reported.
gm_domu_read() {
	domu_is_name "$1" || gm_domu_failed "$1" "$1: not a name for a virtual machine" || return 1
	[ -f "$gm_domus/$1/domu.conf" ] || gm_domu_failed "$1" "there is no $gm_domus/$1/domu.conf" || return 1
	domu_read "$gm_domus/$1/domu.conf" || gm_domu_failed "$1" "$domu_mistake"
}

# Names in their order, from the first to the last; those with a mistake are reported on standard error.
gm_domu_order() {
	for gm_file in "$gm_domus"/*/domu.conf; do
		[ -f "$gm_file" ] || continue
		gm_name=${gm_file%/domu.conf}
		gm_name=${gm_name##*/}
		gm_domu_read "$gm_name" >&2 && echo "$domu_order $gm_name $domu_autostart"
	done | sort -k 1,1n -k 2,2
}

gm_domu_running() {
	xl list "$1" >/dev/null 2>&1
}

# gm_domu_write NAME: NAME.xl, with all images attached.
gm_domu_write() {
	gm_domu_place && gm_domu_detach "$1" || return 1
	gm_domu=$1
	if domu_xl "$1" >"$gm_domus_run/$1.xl"; then
		return 0
	fi
	rm -f "$gm_domus_run/$1.xl"
	gm_domu_detach "$1"
	gm_domu_failed "$1" "$domu_mistake"
}

gm_domu_start() {
	if gm_domu_running "$1"; then
		gm_stage domu ok "name=$1" already=running
		return 0
	fi
	gm_domu_read "$1" || return 1
	command -v xl >/dev/null || gm_domu_failed "$1" "there is no xl on this image" || return 1
	[ -f "$domu_kernel" ] || gm_domu_failed "$1" "there is no kernel $domu_kernel" || return 1
	gm_domu_write "$1" || return 1
	if gm_why=$(xl create "$gm_domus_run/$1.xl" 2>&1); then
		gm_stage domu ok "name=$1" "memory=$domu_memory"
		return 0
	fi
	gm_domu_detach "$1"
	gm_domu_failed "$1" "xl create: $(printf '%s\n' "$gm_why" | tail -n 1)"
}

# Every one, whatever becomes of the others; those that do not start by themselves are left out.
gm_domu_start_all() {
	gm_started=0 gm_failed=0
	gm_domu_place
	gm_domu_order 2>"$gm_domus_run/mistakes" >"$gm_domus_run/order"
	cat "$gm_domus_run/mistakes"
	gm_failed=$(grep -c "stage=domu status=failed" "$gm_domus_run/mistakes")
	while read -r _order gm_next gm_autostart <&3; do
		[ "$gm_autostart" = yes ] || continue
		if gm_domu_start "$gm_next" 3<&-; then
			gm_started=$((gm_started + 1))
		else
			gm_failed=$((gm_failed + 1))
		fi
	done 3<"$gm_domus_run/order"
	gm_status=ok
	[ "$gm_failed" = 0 ] || gm_status=failed
	gm_stage domus "$gm_status" "started=$gm_started" "failed=$gm_failed"
	[ "$gm_failed" = 0 ]
}

# gm_domu_stop NAME: asked to shut down, then waited for, and ended when it does not. One that has ended by itself gives back its
# devices.
gm_domu_stop() {
	if ! gm_domu_running "$1"; then
		gm_domu_detach "$1"
		return 0
	fi
	xl shutdown -F "$1"
	gm_waited=0
	while gm_domu_running "$1"; do
		if [ "$gm_waited" -ge "${glassmaster_domus_wait:-60}" ]; then
			gm_stage domu warn "name=$1" "why=did not shut down, destroyed"
			xl destroy "$1"
			break
		fi
		sleep 1
		gm_waited=$((gm_waited + 1))
	done
	gm_domu_detach "$1"
	gm_stage domu stopped "name=$1"
}

gm_domu_stop_all() {
	{
		gm_domu_order 2>/dev/null | sort -k 1,1nr -k 2,2r
		gm_domu_started
	} | awk '!seen[$2]++' | while read -r _order gm_next _autostart; do
		gm_domu_stop "$gm_next" </dev/null
	done
}

# What was started at some time, for machines that the configuration has no more, or with a mistake by now. Those that are stopped
# already are passed over.
gm_domu_started() {
	for gm_file in "$gm_domus_run"/*.xl; do
		[ -f "$gm_file" ] || continue
		gm_name=${gm_file##*/}
		echo "0 ${gm_name%.xl} no"
	done
}
