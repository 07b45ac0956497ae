"""Configuration trees: what servers find on their /config partitions, kept in Subversion; docs/config-trees.md."""
