"""Makes the parts that `graph.app` puts together, from the settings."""
