"""Why a server gives no answer, in words without its address."""

from __future__ import annotations

import httpx


def in_words(error: Exception) -> str:
    """What httpx raises, as what the server does: `refuses connections, or cannot be reached`."""
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return "does not answer in time"
    if isinstance(error, httpx.ConnectError):
        if "CERTIFICATE" in str(error):
            return "has a certificate that is not accepted"
        return "fails in the TLS handshake" if "SSL" in str(error) else "refuses connections, or cannot be reached"
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
        return "closes the connection, or does not speak HTTP"
    return f"gives no usable answer ({type(error).__name__})"
