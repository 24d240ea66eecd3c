"""What operators see. Lower layers report through hooks and never import this."""
