"""What changes from one release to the next: trees compared, what the changes mean, and a verdict."""
