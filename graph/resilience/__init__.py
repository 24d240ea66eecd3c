"""Deadlines, retries, circuit breakers and concurrency limits. Knows nothing of Konaplate, HTTP or GraphQL."""
