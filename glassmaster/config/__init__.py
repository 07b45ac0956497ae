"""Configuration trees: what servers find on their /config partitions, kept together in Subversion; docs/config-trees.md."""
