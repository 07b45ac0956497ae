"""Inputs: from mirrors into the store, and from the store to layers."""
