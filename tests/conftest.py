"""What holds for all tests: hypothesis takes the same examples every time, and times none of them."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("glassmaster", derandomize=True, deadline=None, database=None, max_examples=60)
settings.load_profile("glassmaster")
