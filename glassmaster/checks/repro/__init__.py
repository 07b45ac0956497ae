"""Is it the same when it is built again? Builds in other surroundings, compared with a plain one."""
