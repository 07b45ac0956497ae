"""pkgsrc's binary packages: which ones, and what of them lands on the image."""
