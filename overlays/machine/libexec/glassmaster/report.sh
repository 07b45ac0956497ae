# What this machine runs, on one line, and how that gets to where somebody looks (docs/fleet.md).
#
# shellcheck shell=sh
# shellcheck disable=SC2154,SC2034  # gm_...: say.sh; whoever reads this file in uses report_why

gm_since=$gm_memory/since # when this release began to run, and when this configuration did: two lines

# report_revision TREE: which revision /config/TREE is of.
report_revision() {
	if [ -d "$gm_config/$1/.svn" ] && command -v svnversion >/dev/null; then
		svnversion -n "$gm_config/$1"
		return
	fi
	# A disk made by config-disk says of which it was made.
	report_made=$(awk -v tree="$1" '$1 == tree { print $2; exit }' "$gm_state/subversion" 2>/dev/null)
	echo "${report_made:-unversioned}"
}

# report_tree: which directory of the configuration tree this machine has, pservers/NAME or vservers/NAME.
report_tree() {
	{
		(command -v svn >/dev/null && svn info --non-interactive "$gm_config/local") 2>/dev/null | sed -n 's/^URL: //p'
		awk '$1 == "local" { print $3 }' "$gm_state/subversion" 2>/dev/null
	} | sed -n 's,^.*/\([pv]servers/[A-Za-z0-9.-]*\)/*$,\1,p' | head -n 1
}

# report_complaints: the stages of this start that did not go well, each once.
report_complaints() {
	sed -n 's/^glassmaster: stage=\([a-z]*\) status=\([a-z]*\).*/\1 \2/p' "$gm_stages" 2>/dev/null | sort -u |
		while read -r report_stage report_status; do
			case $report_stage:$report_status in
			report:*) ;;
			*:warn | *:degraded | *:failed | *:refused) echo "$report_stage" ;;
			esac
		done | sort -u | tr '\n' ',' | sed 's/,$//'
}

report_now() {
	date -u +%Y-%m-%dT%H:%M:%SZ
}

# report_began boot|update: the release, or the configuration alone, began to run now.
report_began() {
	report_release=$(sed -n 1p "$gm_since" 2>/dev/null)
	if [ "$1" = boot ] || [ -z "$report_release" ]; then
		report_release=$(report_now)
	fi
	printf '%s\n' "$report_release" "$(report_now)" >"$gm_since"
}

# report_pair KEY VALUE: nothing for no value. A value has no blanks, whatever it came from.
report_pair() {
	report_value=$(printf %s "$2" | tr -c 'A-Za-z0-9._:,/+-' _)
	[ -z "$report_value" ] || printf ' %s=%s' "$1" "$report_value"
}

# report_line: host=… release=… and so on, one line.
report_line() {
	printf 'glassmaster=1'
	report_pair host "$(hostname)"
	report_pair tree "$(report_tree)"
	for report_key in release_id recipe netbsd machine epoch domu; do
		report_pair "${report_key%_id}" "$(sed -n "s/^$report_key=//p" /etc/glassmaster/release)"
	done
	report_pair local "$(report_revision local)"
	report_pair global "$(report_revision global)"
	report_pair since "$(sed -n 1p "$gm_since" 2>/dev/null)"
	report_pair config_since "$(sed -n 2p "$gm_since" 2>/dev/null)"
	report_pair complaints "$(report_complaints)"
	report_pair reported "$(report_now)"
	echo
}

# report_send FILE WHERE: the file is put where it says, under the machine's name; else 1, and why in report_why.
report_send() {
	report_host=$(hostname | tr -c 'A-Za-z0-9.\n-' _)
	case $2 in
	http://* | https://*)
		report_why="curl is not installed"
		command -v curl >/dev/null || return 1
		report_why="curl could not put it there"
		curl -fsS -m 60 -T "$1" "${2%/}/$report_host"
		;;
	/*)
		report_why="$2 is not there"
		[ -d "$2" ] || return 1
		report_why="$2 cannot be written"
		cp "$1" "$2/.$report_host.new" && mv "$2/.$report_host.new" "$2/$report_host"
		;;
	*)
		report_why="glassmaster_report is neither a directory nor a URL"
		return 1
		;;
	esac
}
