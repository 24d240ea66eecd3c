"""Environments that are complete, and every variable with a value of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graph.konaplate.wire import Zone
from schema.secrets import Credential

PUBLIC_PEM = "-----BEGIN PUBLIC KEY-----\nMIIBpublic\n-----END PUBLIC KEY-----"
PRIVATE_PEM = "-----BEGIN PRIVATE KEY-----\nMIIBprivate\n-----END PRIVATE KEY-----"

NECESSARY = {
    "KONAPLATE_BASE_URL": "https://upstream.example/open-api",
    "KONAPLATE_ASP_ID": "000000000000001",
    "KONAPLATE_ACCESS_KEY": "an-access-key",
    "KONAPLATE_SECRET_KEY": "a-secret-key",
}
PLAIN = {**NECESSARY, "KONAPLATE_ENCRYPTION": "off"}
SECOND_PAIR = {
    "KONAPLATE_CRYPTO_KEY_ID_2": "second-key",
    "KONAPLATE_SERVER_PUBLIC_KEY_2": PUBLIC_PEM,
    "KONAPLATE_CLIENT_PRIVATE_KEY_2": PRIVATE_PEM,
}

# Variable, its text, the value. None of the values is a default.
VARIABLES: list[tuple[str, str, Any]] = [
    ("KONAPLATE_BASE_URL", "http://10.0.0.1:8080/x", "http://10.0.0.1:8080/x"),
    ("KONAPLATE_ASP_ID", "000000000000002", "000000000000002"),
    ("KONAPLATE_ACCESS_KEY", "another-key", Credential("another-key")),
    ("KONAPLATE_SECRET_KEY", "another+Secret/Key==", Credential("another+Secret/Key==")),
    ("KONAPLATE_ENCRYPTION", "off", "off"),
    ("KONAPLATE_CRYPTO_KEY_ID", "first-key", "first-key"),
    ("KONAPLATE_SERVER_PUBLIC_KEY", PUBLIC_PEM, Credential(PUBLIC_PEM)),
    ("KONAPLATE_CLIENT_PRIVATE_KEY", PRIVATE_PEM, Credential(PRIVATE_PEM)),
    ("KONAPLATE_CRYPTO_KEY_ID_2", "third-key", "third-key"),
    ("KONAPLATE_SERVER_PUBLIC_KEY_2", PRIVATE_PEM, Credential(PRIVATE_PEM)),
    ("KONAPLATE_CLIENT_PRIVATE_KEY_2", PUBLIC_PEM, Credential(PUBLIC_PEM)),
    ("KONAPLATE_JWE_ALGORITHMS", "RSA-OAEP, RSA-OAEP-256", ("RSA-OAEP", "RSA-OAEP-256")),
    ("KONAPLATE_JWE_CONTENT_ENCRYPTIONS", "A256GCM", ("A256GCM",)),
    ("KONAPLATE_TIME_ZONE", "UTC", Zone.UTC),
    ("KONAPLATE_CA_BUNDLE", "certificates/ca.pem", Path("certificates/ca.pem")),
    ("KONAPLATE_CLIENT_CERTIFICATE", "certificates/own.pem", Path("certificates/own.pem")),
    ("KONAPLATE_CLIENT_CERTIFICATE_KEY", "certificates/own.key", Path("certificates/own.key")),
    ("KONAPLATE_TIMEOUT", "3", 3.0),
    ("KONAPLATE_CONNECT_TIMEOUT", "0.5", 0.5),
    ("KONAPLATE_POOL_TIMEOUT", "1.5", 1.5),
    ("KONAPLATE_MAX_CONNECTIONS", "8", 8),
    ("KONAPLATE_KEEPALIVE", "2", 2.0),
    ("KONAPLATE_MAX_RESPONSE_BYTES", "1000", 1000),
    ("KONAGRAPH_ENV", "production", "production"),
    ("KONAGRAPH_HOST", "0.0.0.0", "0.0.0.0"),
    ("KONAGRAPH_PORT", "9", 9),
    ("KONAGRAPH_LOG_LEVEL", "debug", "debug"),
    ("KONAGRAPH_LOG_FORMAT", "console", "console"),
    ("KONAGRAPH_REQUEST_TIMEOUT", "4", 4.0),
    ("KONAGRAPH_MAX_BODY_BYTES", "1", 1),
    ("KONAGRAPH_MAX_DOCUMENT_CHARACTERS", "2", 2),
    ("KONAGRAPH_MAX_DOCUMENT_TOKENS", "3", 3),
    ("KONAGRAPH_MAX_CARDS", "4", 4),
    ("KONAGRAPH_DOCUMENT_CACHE", "5", 5),
    ("KONAGRAPH_INTROSPECTION", "false", False),
    ("KONAGRAPH_EXPLORER", "true", True),
    ("KONAGRAPH_GET", "false", False),
    ("KONAGRAPH_EXPLORER_DIRECTORY", "page", Path("page")),
    ("KONAGRAPH_SHUTDOWN_TIMEOUT", "6", 6.0),
]
