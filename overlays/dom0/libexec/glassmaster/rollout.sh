# Images of virtual machines, fetched and switched. docs/rollout.md has the form of the manifest and the places.
#
#   IMAGES/NAME           a link to files/DIGEST.NAME: what domu.conf names
#   IMAGES/previous/NAME  a link to what it was before
#   IMAGES/files          the images themselves, DIGEST being the first 32 digits of their SHA512
#
# shellcheck shell=sh
# shellcheck disable=SC2154  # gm_...: say.sh

# rollout_read MANIFEST: prints "NAME DIGEST" for each image; at a mistake "mistake WHAT" and 1.
rollout_read() {
	awk '
	function wrong(what) { print "mistake line " NR ": " what; bad = 1; exit 1 }
	/^#/ { next }
	NF != 4 || $1 != "SHA512" || $3 != "=" { wrong("not of the form \"SHA512 (NAME) = DIGEST\"") }
	$2 !~ /^\([A-Za-z0-9][A-Za-z0-9._-]*\)$/ || length($2) > 102 { wrong("not a name for an image") }
	length($4) != 128 || $4 !~ /^[0-9a-f]*$/ { wrong("not a SHA512") }
	$2 in seen { wrong("given twice") }
	{ seen[$2] = ++images; print substr($2, 2, length($2) - 2), $4 }
	END { if (!bad && !images) wrong("it names no image"); exit bad }
	' "$1"
}

# rollout_fact KEY MANIFEST: the value of its line "# KEY VALUE".
rollout_fact() {
	sed -n "s/^# $1 \\([A-Za-z0-9._-]*\\)\$/\\1/p" "$2" | head -n 1
}

rollout_sha512() {
	rollout_sum=$(cksum -n -a SHA512 "$1" 2>/dev/null)
	echo "${rollout_sum%% *}"
}

# rollout_get URL FILE
rollout_get() {
	case $1 in
	rsync://*) rsync --partial "$1" "$2" ;;
	*) ftp -o "$2" "$1" ;;
	esac
}

# Whether this release's ssh-keygen knows signatures (OpenSSH 8.1 and later).
rollout_can_verify() {
	case $(ssh-keygen -Y verify 2>&1) in
	*"option -- Y"* | *"not found"*) return 1 ;;
	esac
}

rollout_verify() {
	ssh-keygen -Y verify -f "$1" -I glassmaster -n glassmaster -s "$3" <"$2" >/dev/null 2>&1
}

# rollout_link TARGET LINK: in one step; whoever opens LINK finds the old one or the new one.
rollout_link() {
	rm -f "$2.gm-new"
	ln -s "$1" "$2.gm-new" && mv -f "$2.gm-new" "$2"
}

# rollout_switch IMAGES NAME DIGEST: the one before stays as previous/NAME.
rollout_switch() {
	rollout_target=files/$(rollout_short "$3").$2
	rollout_old=$(readlink "$1/$2")
	[ "$rollout_old" != "$rollout_target" ] || return 0
	if [ -n "$rollout_old" ]; then
		rollout_link "../$rollout_old" "$1/previous/$2" || return 1
	fi
	rollout_link "$rollout_target" "$1/$2"
}

rollout_short() {
	printf '%.32s' "$1"
}

# rollout_back IMAGES NAME: done again, it returns.
rollout_back() {
	rollout_old=$(readlink "$1/$2")
	rollout_before=$(readlink "$1/previous/$2")
	rollout_before=${rollout_before#../}
	[ -n "$rollout_before" ] && [ -f "$1/$rollout_before" ] || return 1
	rollout_link "$rollout_before" "$1/$2" && rollout_link "../$rollout_old" "$1/previous/$2"
}

# rollout_tidy IMAGES: files that neither a present nor a previous link leads to. A machine that runs from one keeps it open.
rollout_tidy() {
	for rollout_file in "$1"/files/*; do
		[ -f "$rollout_file" ] || continue
		rollout_name=${rollout_file##*/}
		case "$(readlink "$1/${rollout_name#*.}") $(readlink "$1/previous/${rollout_name#*.}")" in
		*"files/$rollout_name"*) ;;
		*) rm -f "$rollout_file" ;;
		esac
	done
}
