"""Kernels: made from source sets, or taken ready-made; and what is written inside them."""
