"""An HTTP/1.1 client transport for small, whole answers. Knows nothing of Konaplate.

httpx's own transport costs more CPU for a call than everything else of a request together: see
docs/performance.md. This one does less: a request is bytes, an answer is read whole and bounded, and one
connection carries one exchange at a time.
"""
