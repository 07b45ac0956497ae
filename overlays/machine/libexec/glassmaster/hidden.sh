# Files of the configuration that hide a file of the disc which is no longer the one that they were made from.
#
# /config/local/.glassmaster/base has a line for each file of /config/local/etc, sorted by path:
#   SHA256-OF-THE-DISC'S SHA256-OF-OURS PATH         (PATH as in etc/ntp.conf; - when the disc has no such file)
# written when the file was first seen as it is. docs/boot-chain.md tells more.
#
# shellcheck shell=sh
# shellcheck disable=SC2154  # gm_...: say.sh

gm_base=$gm_config/local/.glassmaster/base

# gm_digests DIRECTORY TO: "SHA256 etc/PATH" of each file below it. A digest is enough to try passwords against: TO is private.
gm_digests() (
	umask 077
	rm -f "$2"
	(cd "$1" && find . -type f -exec cksum -n -a SHA256 {} +) | sed 's, \./, etc/,' | sort -k 2 >"$2"
)

# gm_compare DISC BASE OURS: lines "base DISC OURS PATH" for the new base, and "hides PATH" for what to look at.
gm_compare() {
	awk '
	{ path = $0 }
	part == "disc" { sub(/^[^ ]* /, "", path); disc[path] = $1 }
	part == "base" { sub(/^[^ ]* [^ ]* /, "", path); then_disc[path] = $1; then_ours[path] = $2 }
	part == "ours" {
		sub(/^[^ ]* /, "", path)
		now = (path in disc) ? disc[path] : "-"
		if (then_ours[path] != $1) then_disc[path] = now
		else if (now != "-" && then_disc[path] != now) print "hides " path
		print "base " then_disc[path] " " $1 " " path
	}' part=disc "$1" part=base "$2" part=ours "$3"
}

# At boot, while /etc is still the disc's own.
gm_hidden_report() {
	gm_digests /etc "$gm_memory/etc.digests"
	[ -d "$gm_config/local/etc" ] || return 0
	gm_hidden_look
	gm_hiding=$(sed -n 's/^hides //p' "$gm_memory/compared")
	gm_hidden_record
	if [ -z "$gm_hiding" ]; then
		gm_stage hidden ok
		return 0
	fi
	# shellcheck disable=SC2086  # one word for each
	gm_join $gm_hiding
	gm_stage hidden warn "files=$gm_joined" "why=the disc has another version of these than when they were made"
}

gm_hidden_look() {
	gm_digests "$gm_config/local/etc" "$gm_memory/local.digests"
	[ -f "$gm_base" ] || : >"$gm_memory/no-base"
	gm_old_base=$gm_memory/no-base
	[ ! -f "$gm_base" ] || gm_old_base=$gm_base
	(
		umask 077
		rm -f "$gm_memory/compared" "$gm_memory/base"
		gm_compare "$gm_memory/etc.digests" "$gm_old_base" "$gm_memory/local.digests" >"$gm_memory/compared"
	)
}

gm_hidden_record() {
	(umask 077 && sed -n 's/^base //p' "$gm_memory/compared" >"$gm_memory/base")
	cmp -s "$gm_memory/base" "$gm_base" 2>/dev/null || (
		umask 077
		mkdir -p "${gm_base%/*}" && cp "$gm_memory/base" "$gm_base.new" && mv -f "$gm_base.new" "$gm_base"
	)
}

# A person has looked: what the disc has now is what our files are made from.
gm_hidden_seen() {
	rm -f "$gm_base"
	gm_hidden_look
	gm_hidden_record
}
