"""What people start by name and that needs recipes."""
