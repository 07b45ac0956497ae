#!/bin/sh
# build.sh of glassmaster's stand-in release. It is not NetBSD's: it takes those of its arguments that glassmaster
# gives, and makes the stand-in kernel, which is no NetBSD kernel, with this machine's compiler.
#
#	build.sh [-Uu] [-m MACHINE] [-j N] [-O OBJ] [-T TOOLS] [-D DIR] [-R DIR] [-w FILE] [-V VAR=VALUE] tools|kernel=CONF
set -eu

say() { printf '===> %s\n' "$*"; }
bomb() { printf '\nERROR: %s\n*** BUILD ABORTED ***\n' "$*" >&2; exit 1; }

cd "$(dirname "$0")"
top=$(pwd -P)
machine=amd64 object='' tools='' repro=no

while getopts UuD:O:R:T:V:j:m:w: option; do
	case $option in
	O) object=$OPTARG ;;
	T) tools=$OPTARG ;;
	V) case $OPTARG in MKREPRO=*) repro=${OPTARG#*=} ;; *=*) ;; *) bomb "-V $OPTARG: no value" ;; esac ;;
	m) machine=$OPTARG ;;
	[UuDRjw]) ;;
	*) bomb "an argument that the stand-in does not know" ;;
	esac
done
shift $((OPTIND - 1))
if [ -z "$object" ] || [ -z "$tools" ]; then
	bomb "the stand-in needs -O and -T"
fi

build_tools() {
	mkdir -p "$tools/bin" "$object/tools"
	printf 'dependall ===> config\n'
	if [ ! -x "$tools/bin/nbconfig" ]; then
		printf '#   compile  config/config.o\n'
		# shellcheck disable=SC2086 # words, as in NetBSD's
		${HOST_CC:-cc} ${HOST_CFLAGS:--O} -o "$object/tools/config" usr.bin/config/config.c
		mv "$object/tools/config" "$tools/bin/nbconfig"
	fi
	for program in gcc strip; do
		printf '#!/bin/sh\n# of the stand-in: this machine'\''s own\nexec %s "$@"\n' "$program" > "$object/tools/$program"
		chmod 755 "$object/tools/$program"
		mv "$object/tools/$program" "$tools/bin/x86_64--netbsd-$program"
	done
	say "Tools built to $tools"
}

build_kernel() {
	case $1 in */*) conf=$1 ;; *) conf=$top/sys/arch/$machine/conf/$1 ;; esac
	name=${conf##*/}
	directory=$object/sys/arch/$machine/compile/$name
	sources=sys/arch/$machine/standin
	[ -x "$tools/bin/nbconfig" ] || bomb "$tools/bin/nbconfig does not exist. You need to \"build.sh tools\" first."
	say "Building kernel:     $1"
	say "Build directory:     $directory"
	mkdir -p "$directory"
	"$tools/bin/nbconfig" -b "$directory" -s "$top/sys" "$conf" || bomb "nbconfig failed for $1"
	[ "$repro" = yes ] || say "MKREPRO makes no difference to the stand-in"
	directory=$(cd "$directory" && pwd -P)
	cd "$sources"
	flags=$(tr '\n' ' ' < flags)
	objects=
	for source in *.c *.S; do
		made=$directory/${source%.*}.o
		objects="$objects $made"
		# Never half there, and its directory is of one configuration alone.
		if [ -e "$made" ]; then continue; fi
		printf '#   compile  %s/%s\n' "$name" "${made##*/}"
		# shellcheck disable=SC2086
		"$tools/bin/x86_64--netbsd-gcc" $flags "-DSTANDIN_CONFIG=\"$name\"" "-I$directory" -c -o "$made.new" "$source"
		mv "$made.new" "$made"
	done
	cd "$top"
	# shellcheck disable=SC2013 # words are meant
	for kernel in $(awk '$1 == "config" { print $2 }' "$conf"); do
		printf '#      link  %s/%s\n' "$name" "$kernel"
		# shellcheck disable=SC2086
		(cd "$sources" && "$tools/bin/x86_64--netbsd-gcc" $flags -o "$directory/$kernel" $objects)
	done
	say "Kernels built from $1"
}

say "build.sh of glassmaster's stand-in release: not NetBSD's"
for operation; do
	case $operation in
	tools) build_tools ;;
	kernel=*) build_kernel "${operation#*=}" ;;
	*) bomb "Unknown operation \`$operation'" ;;
	esac
done
say "build.sh ended"
