"""The HTTP server: uvicorn with strict parsing, deadlines, and a graceful shutdown."""
