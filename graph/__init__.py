"""The machine behind the schema: endpoint, execution, loaders, the Konaplate client and its sandbox."""
