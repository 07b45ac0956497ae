# Putting another configuration in the place of the present one.
#
# /etc is a union with /config/local/etc, so that directory itself must stay: the new configuration, ready with modes and
# owners in a private place, goes in file by file, each by a rename. If that is interrupted, the next start finishes it.
#
# shellcheck shell=sh
# shellcheck disable=SC2154  # gm_...: say.sh

gm_ready=$gm_state/ready       # complete; must become the configuration
gm_previous=$gm_state/previous # what was the configuration before
gm_trees="local global"

# gm_copy_live TO: the present configuration, with its Subversion data, to a private place. Without the account files that passwd and
# vipw have written since the start: the next start takes those in, and they stay where they are.
gm_copy_live() (
	umask 077
	rm -rf "$1"
	mkdir -p "$1" && chmod 700 "$gm_state" "$1" || exit 1
	for gm_tree in $gm_trees; do
		mkdir -p "$gm_config/$gm_tree" && cp -Rp "$gm_config/$gm_tree" "$1/$gm_tree" || exit 1
	done
	for gm_file in $gm_account_files ptmp; do
		rm -f "$1/local/etc/$gm_file"
	done
)

# gm_is_account_file PATH: whether local/./etc/master.passwd or local/etc/master.passwd is one of those; ptmp is their lock.
gm_is_account_file() {
	case " $gm_account_files ptmp " in
	*" ${1##*/} "*) ;;
	*) return 1 ;;
	esac
	case $1 in
	local/etc/"${1##*/}" | local/./etc/"${1##*/}") return 0 ;;
	esac
	return 1
}

# gm_switch FROM: a complete private tree, which may be the previous one, becomes the configuration; the present one is kept. When it
# fails, gm_ready tells: with it the next start or glassmaster-update goes on, without it nothing has been touched.
gm_switch() {
	if ! gm_copy_live "$gm_previous.new" || ! gm_flush "$gm_previous.new" "$1"; then
		rm -rf "$gm_previous.new"
		return 1
	fi
	mv "$1" "$gm_ready" && gm_switch_ready
}

# Once there is gm_ready, both it and a gm_previous.new are complete.
gm_switch_ready() {
	if [ -d "$gm_previous.new" ]; then
		rm -rf "$gm_previous"
		mv "$gm_previous.new" "$gm_previous" || return 1
	fi
	for gm_tree in $gm_trees; do
		gm_sync "$gm_ready/$gm_tree" "$gm_config/$gm_tree" || return 1
	done
	gm_flush "$gm_config/local" "$gm_config/global" && rm -rf "$gm_ready"
}

# gm_finish_switch: 1 when there is one that could not be finished.
gm_finish_switch() {
	[ -d "$gm_ready" ] || return 0
	if gm_switch_ready; then
		gm_stage switch ok "why=an update had been interrupted"
	else
		gm_stage switch failed "why=an interrupted update could not be finished"
		return 1
	fi
}

# gm_sync FROM TO: TO becomes like FROM.
gm_sync() {
	mkdir -p "$2" || return 1
	(cd "$1" && find . -print) | (
		while IFS= read -r gm_path; do
			! gm_is_account_file "${2##*/}/$gm_path" || continue
			gm_put "$1" "$2" "$gm_path" || exit 1
		done
	) || return 1
	(cd "$2" && find . -depth -print) | while IFS= read -r gm_path; do
		! gm_is_account_file "${2##*/}/$gm_path" || continue
		if [ ! -e "$1/$gm_path" ] && [ ! -L "$1/$gm_path" ]; then
			rm -rf "${2:?}/$gm_path"
		fi
	done
}

# gm_put FROM TO PATH: one of them. cp makes a file that is private until it has its own mode; then it takes its place.
gm_put() {
	if [ -d "$1/$3" ] && [ ! -L "$1/$3" ]; then
		{ [ -d "$2/$3" ] && [ ! -L "$2/$3" ]; } || rm -rf "${2:?}/$3"
		(cd "$1" && echo "$3" | pax -rw -d -p e "$2")
		return
	fi
	! gm_same "$1/$3" "$2/$3" || return 0
	[ ! -d "$2/$3" ] || rm -rf "${2:?}/$3"
	if [ -L "$1/$3" ]; then
		rm -f "$2/$3"
		(cd "$1" && echo "$3" | pax -rw -p e "$2")
		return
	fi
	(umask 077 && cp -p "$1/$3" "$2/$3.gm-new") && mv -f "$2/$3.gm-new" "$2/$3"
}

# gm_same A B: content, mode and owner.
gm_same() {
	{ [ -f "$1" ] && [ -f "$2" ] && [ ! -L "$1" ] && [ ! -L "$2" ]; } || return 1
	cmp -s "$1" "$2" && [ "$(gm_attributes "$1")" = "$(gm_attributes "$2")" ]
}

gm_attributes() {
	# shellcheck disable=SC2012  # there is no portable stat
	ls -ldn "$1" | while read -r gm_mode _links gm_uid gm_gid _rest; do
		echo "$gm_mode $gm_uid $gm_gid"
	done
}

# gm_changes FROM: what would change in the configuration, one path (local/etc/ntp.conf) a line.
gm_changes() {
	for gm_tree in $gm_trees; do
		{
			(cd "$1/$gm_tree" && gm_find . -type f -print -o -type l -print)
			(cd "$gm_config/$gm_tree" && gm_find . -type f -print -o -type l -print)
		} | sort -u | while IFS= read -r gm_path; do
			case $gm_path in
			./.glassmaster/*) continue ;;
			esac
			! gm_is_account_file "$gm_tree/$gm_path" || continue
			gm_same "$1/$gm_tree/$gm_path" "$gm_config/$gm_tree/$gm_path" ||
				gm_same_link "$1/$gm_tree/$gm_path" "$gm_config/$gm_tree/$gm_path" || echo "$gm_tree/${gm_path#./}"
		done
	done
}

gm_same_link() {
	[ -L "$1" ] && [ -L "$2" ] && [ "$(readlink "$1")" = "$(readlink "$2")" ]
}
