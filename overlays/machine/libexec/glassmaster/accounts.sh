# Accounts: the disc's, with the configuration's entries in place of those of the same name, in memory.
#
# /config/local/accounts/master.passwd and group hold entries, not whole files, so that a new disc's accounts come through. They
# are private (mode 0600 in a 0700 directory). vipw and passwd on the running machine write whole files into
# /config/local/etc; the next start takes the entries that were changed into /config/local/accounts, and the files away. A file that is
# empty or cut off, as after a power cut, is not taken in: it would drop the accounts that are kept.
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

# gm_taken COPY LAST OLD: the entries for accounts/: of COPY those that are not as they were at the LAST start; of OLD those that
# COPY has as they were, and those that have come since (by glassmaster-update).
gm_taken() {
	awk -F: '
	/^#/ || NF < 4 { next }
	part == "last" { last[$1] = $0; next }
	part == "old" { old[$1] = $0; order[++n] = $1; next }
	{ copy[$1] = 1 }
	last[$1] != $0 { print; next }
	$1 in old { print old[$1] }
	END { for (i = 1; i <= n; i++) if (!(order[i] in copy) && !(order[i] in last)) print old[order[i]] }
	' part=last "$2" part=old "$3" part=copy "$1"
}

# gm_whole COPY FIELDS NAME: COPY is a whole file with the entry NAME, and nothing was cut off. Sets gm_why.
gm_whole() {
	gm_why="${1##*/} has zeros instead of text"
	[ "$(tr -cd '\000' <"$1" | wc -c)" -eq 0 ] || return 1
	gm_why="${1##*/} has lines that are no entries"
	awk -F: -v wanted="$2" '!/^(#|[ \t]*$)/ && NF != wanted { exit 1 }' "$1" || return 1
	gm_why="the end of ${1##*/} is missing"
	[ -z "$(tail -c 1 "$1")" ] || return 1
	gm_why="${1##*/} has no entry $3"
	grep -q "^$3:" "$1"
}

# gm_take_in FILE FIELDS NAME COPY ...: FILE is master.passwd or group, whole when it is as gm_whole says; the COPYs go away with it.
gm_take_in() {
	gm_copy=$gm_config/local/etc/$1
	if [ ! -f "$gm_copy" ]; then
		shift 3
		gm_without "${gm_copy##*/}" "$@"
		return
	fi
	if ! gm_whole "$gm_copy" "$2" "$3"; then
		shift 3
		gm_refuse_copies "${gm_copy##*/}" "$@"
		return
	fi
	gm_old=$gm_accounts_dir/$1 gm_last=$gm_last_accounts/$1
	gm_why="$1 could not be taken in"
	mkdir -p "$gm_accounts_dir" && chmod 700 "$gm_accounts_dir"
	[ -f "$gm_old" ] || : >"$gm_old"
	[ -f "$gm_last" ] || gm_last=/etc/$1
	if ! gm_taken "$gm_copy" "$gm_last" "$gm_old" >"$gm_old.new" || ! gm_flush "$gm_old.new" || ! mv -f "$gm_old.new" "$gm_old"; then
		rm -f "$gm_old.new"
		gm_stage accounts warn "file=$1" "why=$gm_why"
		return
	fi
	shift 3
	rm -f "$gm_copy"
	for gm_word; do
		rm -f "$gm_config/local/etc/$gm_word"
	done
	gm_stage accounts taken "file=${gm_copy##*/}"
}

# gm_without FILE COPY ...: pwd_mkdb puts FILE in place last; COPYs alone are what an interrupted passwd or vipw has left, its lock too.
gm_without() {
	for gm_word; do
		if [ -f "$gm_config/local/etc/$gm_word" ]; then
			gm_why="$gm_word was left by something interrupted"
			gm_refuse_copies "$@"
			return
		fi
	done
}

# gm_refuse_copies NAME ...: in /etc they would hide the accounts of the disc and of accounts/, which still hold. They are kept aside.
gm_refuse_copies() {
	gm_refused=$gm_last_accounts/refused
	mkdir -p "$gm_refused" && chmod 700 "$gm_state" "$gm_last_accounts" "$gm_refused"
	for gm_word; do
		[ ! -f "$gm_config/local/etc/$gm_word" ] || mv -f "$gm_config/local/etc/$gm_word" "$gm_refused/$gm_word"
	done
	gm_stage accounts warn "file=$1" "why=$gm_why; not taken in" "kept=$gm_refused"
}

# While /etc is the disc's copy in memory, before the configuration covers it.
gm_accounts() {
	gm_umask=$(umask)
	umask 077
	gm_take_in master.passwd 10 root passwd pwd.db spwd.db ptmp
	gm_take_in group 4 wheel
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
			cp "/etc/$gm_file" "$gm_last_accounts/$gm_file.new" && gm_flush "$gm_last_accounts/$gm_file.new" &&
				mv -f "$gm_last_accounts/$gm_file.new" "$gm_last_accounts/$gm_file"
		}
	done
}
