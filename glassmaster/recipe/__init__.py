"""Recipes: one YAML file, the whole description of one release."""
