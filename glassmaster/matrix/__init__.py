"""Many recipes: shared among CI runners by name, or among the workers of a Dask cluster, a recipe each."""
