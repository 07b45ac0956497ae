"""What `doit doctor` looks at for a recipe: that it can be read, and its mirrors."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from glassmaster.commands.finding import Finding, ok
from glassmaster.commands.recipes import recipe_of
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.kernel.wanted import wanted_source_sets
from glassmaster.inputs.mirror import ReleaseMirror, set_file
from glassmaster.inputs.wants import kernel_file, sets_folder
from glassmaster.recipe.load import LoadedRecipe


def read(word: str) -> tuple[Finding, LoadedRecipe | None]:
    """The recipe of a word, or what is wrong with it."""
    try:
        loaded = recipe_of(word)
    except GlassmasterError as error:
        remedy = error.hint or "correct it; docs/recipe.md has every field"
        return Finding("error", f"recipe {word}", "; ".join(filter(None, (error.what, error.why))), remedy), None
    return ok(f"recipe {loaded.name}", loaded.recipe.description), loaded


def mirrors(loaded: LoadedRecipe) -> Iterator[Finding]:
    """Each mirror: whether it answers and has what the recipe names. One that works is enough for a build."""
    urls = loaded.recipe.release.mirrors
    if not urls:
        yield ok(f"mirror of {loaded.name}", "made on this machine (stand-in)")
        return
    with ThreadPoolExecutor(len(urls)) as pool:
        failures = list(pool.map(lambda url: _failure(loaded, url), urls))
    works = any(failure is None for failure in failures)
    for url, failure in zip(urls, failures, strict=True):
        if failure is None:
            yield ok(f"mirror of {loaded.name}", url)
        else:
            remedy = failure.hint or "check the network and the proxy variables, or name another mirror in the recipe"
            detail = "; ".join(filter(None, (failure.what, failure.why)))
            yield Finding("warning" if works else "error", f"mirror of {loaded.name}", detail, remedy)


def _failure(loaded: LoadedRecipe, url: str) -> GlassmasterError | None:
    release = loaded.recipe.release
    mirror = ReleaseMirror((url,), release.version)
    try:
        folder = sets_folder(release.machine)
        sets = mirror.digests(folder)
        for name in release.sets:
            set_file(name, sets, mirror.urls(folder)[0])
        for sources, names in wanted_source_sets(loaded.recipe.kernel):
            for name in names:
                set_file(name, mirror.digests(sources), mirror.urls(sources)[0])
        if loaded.recipe.kernel.source == "built":
            return None
        kernels, _, kernel = kernel_file(release.machine, loaded.recipe.kernel.config).rpartition("/")
        if kernel not in mirror.digests(kernels):
            return GlassmasterError(f"{mirror.urls(kernels)[0]} has no {kernel}")
    except GlassmasterError as error:
        return error
    return None
