"""A recipe with its lock as one side: the tree of the layers that were built, without the image."""

from __future__ import annotations

from glassmaster.diff.contents import LayerContents
from glassmaster.diff.model import Side
from glassmaster.diff.source import Source
from glassmaster.diff.states import of_nodes
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.record import read_record
from glassmaster.places import Places, layer_names
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.tree.layer import read_layers
from glassmaster.tree.merge import merge


def open_recipe(loaded: LoadedRecipe, label: str) -> Source:
    """The tree of a recipe whose layers are there and fresh (the caller has seen to that)."""
    places, recipe = Places(loaded.name), loaded.recipe
    try:
        layers = [layer for name in layer_names(recipe) for layer in read_layers(places.layer(name))]
        release_id = read_record(places.inputs).release_id
    except (OSError, ValueError, KeyError, RecursionError) as error:
        hint = f"run ./doit mtree:{loaded.name} recipe={label}"
        raise GlassmasterError(f"{label}: its layers cannot be read", why=str(error), hint=hint) from error
    nodes = list(merge(layers, epoch=recipe.epoch))
    states = of_nodes(nodes)
    contents = LayerContents({node.entry.path: node.entry.content for node in nodes if node.entry.content})
    side = Side(
        label, "recipe", recipe=loaded.name, release_id=release_id, title=recipe.description,
        standin=recipe.standin is not None, budget=recipe.media.budget,
        entries=len(states), bytes=sum(state.size for state in states.values()),
    )  # fmt: skip
    return Source(side, states, contents, folder=places.out)
