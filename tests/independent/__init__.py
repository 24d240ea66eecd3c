"""A strict Konaplate upstream written from the wire facts alone; it imports nothing of the gateway."""
