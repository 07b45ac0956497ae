"""glassmaster: NetBSD/Xen server CDs from pinned inputs, rebuilt bit for bit and booted before they are burnt."""

__version__ = "0.1.0"
