"""Parts for doit that any project could use; they know nothing of glassmaster."""
