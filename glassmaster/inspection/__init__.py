"""What is in a file: any image of ours or of NetBSD's, read and never mounted. As data; `doit inspect` prints it."""
