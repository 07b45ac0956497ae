# Modes and owners of a configuration tree: Subversion keeps neither. Its .mtree lists what differs from the rule
# (root:wheel, 0644, 0755 with an x bit and for directories), in the form of overlays' .mtree files:
#   ./etc/ssh/ssh_host_rsa_key  mode=0600 uname=root gname=wheel
#
# shellcheck shell=sh

# gm_modes TREE [OWN]: sets them all. Only for a tree in a directory that nobody else can enter: on the way secrets are
# readable. The file OWN lists what is the machine's own, such as keys that a program has made: that stays as it is.
gm_modes() {
	gm_set_aside "$1" "${2:-}" && gm_rule "$1" && gm_put_back "$1" "${2:-}" && gm_mtree "$1" set
}

gm_set_aside() {
	[ -s "$2" ] || return 0
	mkdir "$2.aside" && (cd "$1" && pax -rw -p e "$2.aside" <"$2")
}

gm_put_back() {
	[ -s "$2" ] || return 0
	(cd "$2.aside" && pax -rw -p e "$1" <"$2") && rm -rf "$2.aside"
}

gm_rule() {
	chown -R 0:0 "$1" &&
		gm_find "$1" -type d -exec chmod 755 {} + &&
		gm_find "$1" -type f -perm -0100 -exec chmod 755 {} + &&
		gm_find "$1" -type f ! -perm -0100 -exec chmod 644 {} + || return 1
	for gm_private in "$1"/.svn "$1"/.glassmaster "$1"/accounts; do
		[ ! -d "$gm_private" ] || chmod 700 "$gm_private" || return 1
	done
	for gm_private in "$1"/accounts/* "$1"/etc/ssh/ssh_host_key "$1"/etc/ssh/ssh_host_*_key "$1"/etc/skeykeys; do
		[ ! -f "$gm_private" ] || chmod 600 "$gm_private" || return 1
	done
}

# gm_find TREE TEST ...: without what belongs to Subversion.
gm_find() {
	gm_tree=$1
	shift
	find "$gm_tree" -name .svn -prune -o "$@"
}

# gm_mtree TREE check|set: the lines of its .mtree; mistakes go to standard output, and make it return 1.
gm_mtree() {
	[ -f "$1/.mtree" ] || return 0
	gm_number=0 gm_mistakes=0
	while read -r gm_path gm_words || [ -n "$gm_path" ]; do
		gm_number=$((gm_number + 1))
		case $gm_path in
		'' | '#'*) continue ;;
		esac
		gm_mtree_line "$1" "$2" || gm_mistakes=1
	done <"$1/.mtree"
	return $gm_mistakes
}

gm_mtree_line() {
	case $gm_path/ in
	*[!A-Za-z0-9._/@+,~-]* | */../*) gm_mtree_mistake "$gm_path: not a plain path" || return 1 ;;
	./*) ;;
	*) gm_mtree_mistake "$gm_path: must begin with ./" || return 1 ;;
	esac
	if [ -L "$1/$gm_path" ] || [ ! -e "$1/$gm_path" ]; then
		gm_mtree_mistake "$gm_path: there is no such file or directory" || return 1
	fi
	gm_owner='' gm_group='' gm_mode=''
	for gm_word in $gm_words; do
		gm_mtree_word || return 1
	done
	[ "$2" = set ] || return 0
	[ -z "$gm_owner$gm_group" ] || chown "$gm_owner${gm_group:+:$gm_group}" "$1/$gm_path" ||
		gm_mtree_mistake "$gm_path: the owner cannot be set" || return 1
	[ -z "$gm_mode" ] || chmod "$gm_mode" "$1/$gm_path" || gm_mtree_mistake "$gm_path: the mode cannot be set"
}

gm_mtree_word() {
	case $gm_word in
	*=*[!A-Za-z0-9._-]* | *=) ;;
	uname=* | uid=*) gm_owner=${gm_word#*=} && return 0 ;;
	gname=* | gid=*) gm_group=${gm_word#*=} && return 0 ;;
	type=*) return 0 ;;
	mode=*[!0-7]*) ;;
	mode=??? | mode=????) gm_mode=${gm_word#*=} && return 0 ;;
	esac
	gm_mtree_mistake "$gm_path: $gm_word is not understood"
}

gm_mtree_mistake() {
	printf '%s\n' ".mtree:$gm_number: $1"
	return 1
}
