"""Handing a release to others: places that can be published to, and the order in which it is safe."""
