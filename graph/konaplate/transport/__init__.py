"""An HTTP/1.1 transport of httpx's for small, whole responses. Knows nothing of Konaplate.

httpx's own transport costs more CPU for a call than everything else of a request together: see
docs/performance.md. This one does less: it reads a response whole, within bounds, before it hands it out, and one
connection carries one exchange at a time.
"""
