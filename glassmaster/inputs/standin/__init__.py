"""The stand-in release: a small release of NetBSD's shape, made here, that says everywhere that it is one."""
