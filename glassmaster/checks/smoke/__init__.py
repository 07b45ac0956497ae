"""The smoke test: an image is booted in QEMU as it is, and its consoles say how far it came."""
