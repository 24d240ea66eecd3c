"""Authentication, authorization, rate limits and audit."""
