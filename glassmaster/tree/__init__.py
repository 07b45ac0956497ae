"""Trees: entries, the layers that hold them, how layers are merged, and their text form, mtree(5)."""
