"""Settings, and their rules."""
