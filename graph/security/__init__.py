"""Who is calling, what they may see, and how much of it."""
