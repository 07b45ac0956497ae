"""FFS images (UFS1 and UFS2, little endian) straight from a tree; docs/ffs.md says what is where."""
