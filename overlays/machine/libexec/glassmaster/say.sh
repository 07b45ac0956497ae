# What every part of glassmaster on a machine has in common: where things are, and how it says what happened.
#
# These files lie in /libexec/glassmaster: on the root file system, so that they are there before anything is mounted, and
# outside /etc, /var and /usr/pkg, so that nothing that is mounted later hides them.
#
# shellcheck shell=sh
# shellcheck disable=SC2034  # whoever reads this file in uses the variables

PATH=/sbin:/bin:/usr/sbin:/usr/bin:/usr/pkg/sbin:/usr/pkg/bin
LC_ALL=C
export PATH LC_ALL
umask 022

gm_memory=/memory            # a file system in memory: what must be writable before /var is
gm_stages=$gm_memory/stages  # one line for each stage; /var/run/glassmaster leads to /memory later
gm_config=/config
gm_state=/config/.glassmaster # what this machine keeps for itself; never in Subversion

# What passwd(1), vipw(8) and useradd(8) write whole: through the union they come into /config/local/etc.
gm_account_files="master.passwd passwd pwd.db spwd.db group"

gm_say() {
	printf '%s\n' "glassmaster: $*"
}

# gm_stage STAGE STATUS [KEY=VALUE ...]: the line for programs, on the console and in /var/run/glassmaster/stages.
# A value with blanks in it gets quotes.
gm_stage() {
	gm_text="glassmaster: stage=$1 status=$2"
	shift 2
	for gm_word; do
		case $gm_word in
		*[\ \	]*) gm_text="$gm_text ${gm_word%%=*}=\"${gm_word#*=}\"" ;;
		*) gm_text="$gm_text $gm_word" ;;
		esac
	done
	printf '%s\n' "$gm_text"
	if [ -d "$gm_memory" ]; then
		printf '%s\n' "$gm_text" 2>/dev/null >>"$gm_stages" || :
	fi
}

gm_fail() {
	gm_say "$*" >&2
	exit 1
}

# gm_shell WHY: a shell on the console. The caller goes on, or tries again, when it is left.
gm_shell() {
	gm_say "$*"
	gm_say "this is a shell on the console; leave it (exit) and it will be tried again"
	/bin/sh
}

# gm_mounted DIRECTORY [TYPE]: whether something (of that type) is mounted there.
gm_mounted() {
	case $(mount) in
	*" on $1 type ${2:-}"*) return 0 ;;
	esac
	return 1
}

# gm_flush PLACE ...: returns when the files there are on the disk. FFS has a new name there long before the bytes of the file, and
# sync(8) of NetBSD begins the writing and does not wait; dd(1) ends with fsync(2) of its standard output. What went away meanwhile (the
# lock of vipw) must not come back.
gm_flush() {
	sync
	find "$@" -type f -exec sh -c 'for file; do [ ! -f "$file" ] || dd if=/dev/null >>"$file" 2>/dev/null || exit 1; done' sh {} +
}

# gm_join WORD ...: the words with commas between them.
gm_join() {
	gm_joined=''
	for gm_word; do
		gm_joined="$gm_joined${gm_joined:+,}$gm_word"
	done
}
