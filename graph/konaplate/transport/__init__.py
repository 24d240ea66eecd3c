"""An HTTP/1.1 transport for httpx with small, whole responses. Knows nothing of Konaplate.

httpx's own transport uses more CPU per call than the rest of a request together: see docs/performance.md. This one
reads a response whole, within bounds, before it returns it; one connection carries one exchange at a time.
"""
