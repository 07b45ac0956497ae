"""Images: bytes made from a tree."""
