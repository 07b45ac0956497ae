#!/bin/sh
# What CI does, whichever CI it is: ci/github.yml and ci/gitlab.yml call this, and anybody can call it by hand.
#
#   ci/build.sh STEP...
#
#   lock       see that each recipe's lock is there and fits the recipe
#   build      the discs, from exactly what the locks name
#   repro      build them again, with everything different at once (a minute; nightly: all variations, one by one)
#   nightly    every variation
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
#   WITHOUT    checks that a release may lack, by name; the release says so of itself
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

# build_tag TAG: builds the recipes that are of that tag in build/previous, from its own sources.
build_tag() {
    if [ ! -e build/previous ]; then
        mkdir -p build
        git worktree prune
        git worktree add --quiet --detach build/previous "$1"
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
    if [ -e "${PREVIOUS-}/$1/latest" ]; then
        read -r id <"$PREVIOUS/$1/latest" && previous=$PREVIOUS/$1/$id
    elif [ -d "build/previous/out/$1" ]; then
        previous=build/previous/out/$1
    fi
}

diff_recipe() {
    find_previous "$1"
    if [ -z "$previous" ]; then
        say "$1: there is no release before this one to compare with"
        return
    fi
    status=0
    $doit diff "$previous" "out/$1" "output=out/$1" || status=$?
    case $status in
    0 | 1) ;;
    "$decision") say "$1: somebody must decide about a change, see out/$1/diff.md" ;;
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

release_recipe() {
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
