# The first configuration of a machine, on a file system that has just been made.
#
# shellcheck shell=sh
# shellcheck disable=SC2154  # gm_... and the variables of glassmaster-prepare

# first_get WHAT URL TO: WHAT is svn or tar. TO gets what is there; nobody else can look into it.
first_get() (
	umask 077
	mkdir -p "$3" || exit 1
	first_home
	case $1 in
	svn) svn checkout --non-interactive "$2" "$3" ;;
	tar) first_tar "$2" "$3" ;;
	esac
)

# Subversion writes into both, and on the shell of a machine without a configuration they are on the disc.
first_home() {
	mkdir -p "$gm_memory/home" "$gm_memory/tmp"
	if mkdir "${HOME:-}/.glassmaster" 2>/dev/null; then
		rmdir "${HOME:-}/.glassmaster"
	else
		export HOME="$gm_memory/home"
	fi
	export TMPDIR="$gm_memory/tmp"
}

# The tar may have secrets in it: it goes away whatever becomes of it.
first_tar() {
	first_file=$gm_memory/first.tar
	first_status=1
	if ftp -o "$first_file" "$1" && first_is_wanted "$1"; then
		tar -xf "$first_file" -C "$2"
		first_status=$?
	fi
	rm -f "$first_file"
	return $first_status
}

first_is_wanted() {
	[ -n "$digest" ] || return 0
	case $(cksum -n -a SHA256 "$first_file") in
	"$digest "*) return 0 ;;
	esac
	gm_say "$1 has not the digest that was given"
	return 1
}

# first_trees ROOT: modes and owners, and then into their place. ROOT/.glassmaster is private.
first_trees() {
	first_new=$1/.glassmaster/first
	mkdir -p "$first_new/local/etc" "$first_new/global"
	for first_tree in local global; do
		gm_modes "$first_new/$first_tree" && mv "$first_new/$first_tree" "$1/$first_tree" || return 1
	done
	rm -rf "$first_new"
}

# first_config ROOT HOST KIND: KIND is pservers or vservers. Fills the file system at ROOT; the marker comes last: without it, it
# is no configuration.
first_config() {
	mkdir -p "$1/.glassmaster" && chmod 700 "$1/.glassmaster" || return 1
	first_new=$1/.glassmaster/first
	if [ -n "$svn" ]; then
		first_get svn "$svn/$3/$2" "$first_new/local" && first_get svn "$svn/global" "$first_new/global" || return 1
	elif [ -n "$tar" ]; then
		first_get tar "$tar/$2.tar" "$first_new" || return 1
	else
		mkdir -p "$first_new/local/etc" && first_rc_conf "$2" "$3" >"$first_new/local/etc/rc.conf" || return 1
	fi
	first_trees "$1" && : >"$1/$marker"
}

first_rc_conf() {
	echo "if [ -r /etc/defaults/rc.conf ]; then"
	echo "	. /etc/defaults/rc.conf"
	echo "fi"
	echo "hostname=$1"
	[ "$2" = vservers ] || printf '%s' "$settings"
}
