"""What changes mean, one module for each section: functions of a Pair to items."""
