"""GraphQL over HTTP, health, and the page for browsers."""
