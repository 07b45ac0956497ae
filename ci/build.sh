#!/bin/sh
# What CI does, whichever CI it is: ci/github.yml and ci/gitlab.yml call this, and anybody can call it by hand.
#
#   ci/build.sh STEP...
#
#   lock       see that each recipe's lock is there and fits the recipe
#   build      the discs, from exactly what the locks name
#   repro      build them again, with everything different at once (a minute)
#   nightly    build them again, every variation on its own as well: what a release is asked for
#   smoke      boot them
#   diff       compare with the last tag: out/RECIPE/diff.html, diff.json, and diff.md for a comment
#   release    out/RECIPE/release, verified; published where PUBLISH says
#
# Environment
#   RECIPES    names or patterns with commas between them; the repository's own recipe without it
#   SHARD      I/N: this runner's share of them
#   PREVIOUS   a directory of published releases to compare with; without it the last tag is built again
#   TAGS       which tags are releases [v*]
#   PUBLISH    where `doit publish` puts releases
#   SIGNERS    the file of those whose signatures count
#   WITHOUT    checks that a release may lack, by name, with commas between them; the release says so of itself
#   ACCEPT     what somebody decided about changes: names that diff.md gives them, each on a line
#   DOIT       another way to start doit [./doit]
#   GLASSMASTER_SIGNING_KEY, GLASSMASTER_STORE, GLASSMASTER_REMOTE, GLASSMASTER_REMOTE_FILL   as in docs/
# Exit status  0, or that of the step that failed. A diff that needs a decision fails none of this but `release`.
set -euf
cd "$(dirname -- "$0")/.."
export CI=true
doit=${DOIT:-./doit}
decision=2 # doit diff: somebody must decide

say() {
    printf 'ci: %s\n' "$1"
}

# find_recipes: sets recipes, with blanks between them, and list, with commas.
find_recipes() {
    recipes=$($doit matrix --list ${RECIPES:+"recipe=$RECIPES"} ${SHARD:+"shard=$SHARD"})
    case $recipes in
    "no recipe is this shard's" | '') recipes='' ;;
    esac
    list=$(printf '%s' "$recipes" | tr '\n' ',')
}

last_tag() {
    git describe --tags --abbrev=0 --match "${TAGS:-v*}" HEAD^ 2>/dev/null || :
}

# is_at FOLDER TAG: whether a worktree is whole and of the commit of that tag.
is_at() {
    [ "$(git -C "$1" rev-parse --show-toplevel 2>/dev/null)" = "$(pwd -P)/$1" ] &&
        [ "$(git -C "$1" rev-parse HEAD)" = "$(git rev-parse "$2^{commit}")" ] &&
        git -C "$1" diff --quiet HEAD --
}

# build_tag TAG: builds the recipes that are of that tag in build/previous, from its own sources.
build_tag() {
    if ! is_at build/previous "$1"; then
        # There is none, or one of another tag, or one whose making was broken off (which git keeps locked).
        rm -rf build/previous
        mkdir -p build
        git worktree prune
        git worktree add --quiet --force --force --detach build/previous "$1"
    fi
    for recipe in $recipes; do
        if [ -e "build/previous/recipes/$recipe.yaml" ]; then
            (cd build/previous && $doit iso "recipe=$recipe")
        fi
    done
}

# find_previous: sets previous to where the last release of $1 is, or to nothing.
find_previous() {
    previous=''
    if [ -n "${PREVIOUS-}" ]; then
        if [ -e "$PREVIOUS/$1/latest" ]; then
            read -r id <"$PREVIOUS/$1/latest"
            previous=$PREVIOUS/$1/$id
        fi
    elif [ -n "$tag" ] && [ -d "build/previous/out/$1" ]; then
        previous=build/previous/out/$1
    fi
}

diff_recipe() {
    # Of an earlier run, which may have compared with another release.
    rm -f "out/$1/diff.json" "out/$1/diff.html" "out/$1/diff.md"
    find_previous "$1"
    if [ -z "$previous" ]; then
        say "$1: there is no release before this one to compare with"
        return
    fi
    set -- "$1" "$previous"
    while read -r name; do
        [ -z "$name" ] || set -- "$@" --accept "$name"
    done <<END
${ACCEPT-}
END
    recipe=$1
    shift
    status=0
    $doit diff "$@" "out/$recipe" "output=out/$recipe" || status=$?
    case $status in
    0 | 1) ;;
    "$decision") say "$recipe: somebody must decide about a change, see out/$recipe/diff.md" ;;
    *) return "$status" ;;
    esac
}

diff_step() {
    tag=$(last_tag)
    if [ -z "${PREVIOUS-}" ] && [ -n "$tag" ]; then
        build_tag "$tag"
    fi
    for recipe in $recipes; do
        diff_recipe "$recipe"
    done
}

# same_as_before RECIPE: whether the disc is the one of the last release, byte for byte. WITHOUT=diff does not ask.
same_as_before() {
    case ,${WITHOUT-}, in
    *,diff,*) return 1 ;;
    esac
    [ -e "out/$1/diff.json" ] && grep -q '"outcome": "same"' "out/$1/diff.json"
}

release_recipe() {
    if same_as_before "$1"; then
        say "$1: the same as in the last release, which is not made again"
        return
    fi
    without=${WITHOUT-}
    if [ ! -e "out/$1/diff.json" ]; then
        without=${without:+$without,}diff
        say "$1: the first release; it is compared with none"
    fi
    $doit release "recipe=$1" ${without:+"without=$without"}
    $doit verify "out/$1/release" ${SIGNERS:+"signers=$SIGNERS"}
    if [ -n "${PUBLISH-}" ]; then
        $doit publish "$PUBLISH" "recipe=$1" ${SIGNERS:+"signers=$SIGNERS"}
    fi
}

step() {
    say "$1: $list"
    case $1 in
    lock) $doit locked "recipe=$list" ;;
    build) $doit iso "recipe=$list" ;;
    repro) $doit repro --quick "recipe=$list" ;;
    nightly) $doit repro "recipe=$list" ;;
    smoke) $doit smoke "recipe=$list" ;;
    diff) diff_step ;;
    release)
        for recipe in $recipes; do
            release_recipe "$recipe"
        done
        ;;
    *)
        say "there is no step $1: lock build repro nightly smoke diff release"
        exit 3
        ;;
    esac
}

[ $# -gt 0 ] || set -- lock build repro smoke diff
find_recipes
if [ -z "$recipes" ]; then
    say "no recipe is this runner's"
    exit 0
fi
for name; do
    step "$name"
done
