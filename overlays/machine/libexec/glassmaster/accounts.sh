# Accounts: the disc's, with the configuration's entries in place of those of the same name, in memory.
#
# /config/local/accounts/master.passwd and group hold entries, not whole files, so that a new disc's accounts come through. They
# are private (mode 0600 in a 0700 directory). vipw and passwd on the running machine write whole files into
# /config/local/etc; the next start takes the entries that were changed into /config/local/accounts, and the files away.
#
# shellcheck shell=sh
# shellcheck disable=SC2154  # gm_...: say.sh

gm_accounts_dir=$gm_config/local/accounts
gm_last_accounts=$gm_state/accounts # what /etc had after the last start

# gm_merge BELOW ABOVE: entries of both, by name; the one above counts.
gm_merge() {
	awk -F: '
	/^#/ || NF < 4 { if (part == "below") print; next }
	part == "read" { above[$1] = $0; order[++n] = $1; next }
	$1 in above { print above[$1]; used[$1] = 1; next }
	{ print }
	END { for (i = 1; i <= n; i++) if (!(order[i] in used) && !seen[order[i]]++) print above[order[i]] }
	' part=read "$2" part=below "$1"
}

# gm_taken COPY LAST OLD: the entries for accounts/: those of COPY that are not as they were at the LAST start, and OLD ones that
# COPY still has.
gm_taken() {
	awk -F: '
	/^#/ || NF < 4 { next }
	part == "last" { last[$1] = $0; next }
	part == "old" { old[$1] = 1; next }
	$1 in old || last[$1] != $0
	' part=last "$2" part=old "$3" part=copy "$1"
}

# gm_take_in FILE COPY ...: FILE is master.passwd or group; the COPYs go away with it.
gm_take_in() {
	gm_copy=$gm_config/local/etc/$1
	[ -f "$gm_copy" ] || return 0
	gm_old=$gm_accounts_dir/$1 gm_last=$gm_last_accounts/$1
	mkdir -p "$gm_accounts_dir" && chmod 700 "$gm_accounts_dir"
	[ -f "$gm_old" ] || : >"$gm_old"
	[ -f "$gm_last" ] || gm_last=/etc/$1
	gm_taken "$gm_copy" "$gm_last" "$gm_old" >"$gm_old.new" && mv -f "$gm_old.new" "$gm_old" || return 1
	shift
	rm -f "$gm_copy"
	for gm_word; do
		rm -f "$gm_config/local/etc/$gm_word"
	done
	gm_stage accounts taken "file=${gm_copy##*/}"
}

# While /etc is the disc's copy in memory, before the configuration covers it.
gm_accounts() {
	gm_umask=$(umask)
	umask 077
	gm_take_in master.passwd passwd pwd.db spwd.db || gm_stage accounts warn "why=changed passwords could not be taken in"
	gm_take_in group || gm_stage accounts warn "why=changed groups could not be taken in"
	gm_accounts_status=ok
	gm_merge_group || gm_accounts_status=failed
	gm_merge_passwd || gm_accounts_status=failed
	gm_remember_accounts
	umask "$gm_umask"
	case $(sed -n 's/^root:\([^:]*\):.*/\1/p' /etc/master.passwd) in
	'') gm_stage accounts warn "why=root has no password" ;;
	esac
	gm_stage accounts "$gm_accounts_status"
}

gm_merge_group() {
	[ -f "$gm_accounts_dir/group" ] || return 0
	gm_merge /etc/group "$gm_accounts_dir/group" >/etc/group.new && chmod 644 /etc/group.new && mv -f /etc/group.new /etc/group
}

# pwd_mkdb makes passwd, pwd.db and spwd.db and puts the file in place as master.passwd; a mistake leaves the disc's accounts.
# Accounts of packages are in the disc's master.passwd and not yet in its databases: these can only be made here.
gm_merge_passwd() {
	gm_entries=$gm_accounts_dir/master.passwd
	[ -f "$gm_entries" ] || gm_entries=/dev/null
	gm_merge /etc/master.passwd "$gm_entries" >/etc/master.passwd.new || return 1
	if cmp -s /etc/master.passwd.new /etc/master.passwd && gm_databases_know_all; then
		rm -f /etc/master.passwd.new
		return 0
	fi
	pwd_mkdb -p /etc/master.passwd.new || {
		gm_databases_know_all || gm_disc_databases
		rm -f /etc/master.passwd.new
		return 1
	}
}

gm_disc_databases() {
	cp /etc/master.passwd /etc/master.passwd.new && pwd_mkdb -p /etc/master.passwd.new
}

# passwd is made together with the databases, and can be read here.
gm_databases_know_all() {
	[ -f /etc/passwd ] && awk -F: '
	/^#/ || NF < 4 { next }
	part == "passwd" { known[$1] = 1; next }
	!($1 in known) { exit 1 }
	' part=passwd /etc/passwd part=master /etc/master.passwd
}

gm_remember_accounts() {
	mkdir -p "$gm_last_accounts" && chmod 700 "$gm_state" "$gm_last_accounts" || return 0
	for gm_file in master.passwd group; do
		cmp -s "/etc/$gm_file" "$gm_last_accounts/$gm_file" || {
			cp "/etc/$gm_file" "$gm_last_accounts/$gm_file.new" &&
				mv -f "$gm_last_accounts/$gm_file.new" "$gm_last_accounts/$gm_file"
		}
	done
}
