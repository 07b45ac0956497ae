"""Checks of finished images, by other programs than those that made them."""
