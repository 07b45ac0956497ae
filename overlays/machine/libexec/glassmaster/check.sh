# What a configuration must be before it becomes the machine's. Mistakes go to standard output, one a line, with the file's
# path below the configuration (local/etc/rc.conf).
#
# shellcheck shell=sh
# shellcheck disable=SC2154  # gm_...: say.sh

# Functions that look at one thing each, below the current directory. Overlays add theirs, in check-*.sh.
gm_checks="gm_check_sh gm_check_rc_configured gm_check_fstab_lines gm_check_accounts"

# gm_check PLACE: PLACE holds local and global. 1 when there is a mistake.
gm_check() (
	cd "$1" || exit 1
	gm_bad=0
	for gm_one in $gm_checks; do
		"$gm_one" || gm_bad=1
	done
	for gm_one in local global; do
		gm_why=$(gm_mtree "$gm_one" check) || {
			printf '%s\n' "$gm_why" | sed "s,^,$gm_one/,"
			gm_bad=1
		}
	done
	exit $gm_bad
)

gm_check_mistake() {
	printf '%s\n' "$1"
	return 1
}

# What sh reads must be sh: at the start there is nobody to mend it.
gm_check_sh() {
	gm_status=0
	for gm_file in local/etc/rc.conf local/etc/rc.local local/etc/rc.conf.d/* local/etc/rc.d/*; do
		[ -f "$gm_file" ] || continue
		gm_why=$(sh -n "$gm_file" 2>&1) || gm_check_mistake "$gm_file: not sh: $gm_why" || gm_status=1
	done
	return $gm_status
}

# The release's rc ends ("Multiuser boot aborted") unless rc_configured is YES; /etc/defaults/rc.conf says so. Nothing is run: a
# variable and another file that is read are taken for right. glassmaster/config/check_etc.py does the same.
gm_check_rc_configured() {
	[ -f local/etc/rc.conf ] || return 0
	awk '
	{ sub(/^[ \t]+/, ""); sub(/[ \t]#.*/, "") }
	/^#/ { next }
	/(^|[ \t;&|])\.[ \t]+[^ \t]/ { said = "yes" }
	/(^|[ \t;&|])rc_configured=/ {
		value = $0
		sub(/.*rc_configured=/, "", value)
		sub(/[ \t;&|].*/, "", value)
		gsub(/["\047]/, "", value)
		said = tolower(value) ~ /^(yes|true|on|1)$/ || value ~ /[$`]/ ? "yes" : "no"
		line = FNR
	}
	END {
		if (said == "yes") exit 0
		if (said == "no") print "local/etc/rc.conf:" line ": rc_configured is not YES: the start would end there"
		else print "local/etc/rc.conf: neither reads /etc/defaults/rc.conf nor sets rc_configured=YES: the start would end there"
		exit 1
	}' local/etc/rc.conf
}

gm_check_fstab_lines() {
	[ -f local/etc/fstab ] || return 0
	awk '
	/^[ \t]*(#|$)/ { next }
	NF < 4 { print "local/etc/fstab:" FNR ": fewer than four words"; bad = 1 }
	$2 == "/" { print "local/etc/fstab:" FNR ": where / is, is found out at each start"; bad = 1 }
	END { exit bad }' local/etc/fstab
}

gm_check_accounts() {
	gm_status=0
	for gm_file in $gm_account_files; do
		[ ! -e "local/etc/$gm_file" ] || ! gm_check_versioned "local/etc/$gm_file" ||
			gm_check_mistake "local/etc/$gm_file: hides every account of the disc; entries belong in local/accounts" || gm_status=1
	done
	gm_check_fields master.passwd 10 || gm_status=1
	gm_check_fields group 4 || gm_status=1
	return $gm_status
}

# Those that passwd or vipw have written here are taken in by the next start; only Subversion must not have them.
gm_check_versioned() {
	[ -d local/.svn ] && svn info --non-interactive "$1" >/dev/null 2>&1
}

gm_check_fields() {
	[ -f "local/accounts/$1" ] || return 0
	awk -F: -v wanted="$2" -v file="local/accounts/$1" '
	/^#/ { next }
	NF != wanted || $1 == "" || $3 !~ /^[0-9]+$/ { print file ":" FNR ": not an entry of " wanted " fields"; bad = 1; next }
	$1 in seen { print file ":" FNR ": " $1 ": given twice"; bad = 1 }
	{ seen[$1] = 1 }
	END { exit bad }' "local/accounts/$1"
}
