"""Environments that are complete, and every variable with a value of its own."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

from graph.konaplate.protocol import EchoRule, Zone
from schema.secrets import Credential

PUBLIC_PEM = "-----BEGIN PUBLIC KEY-----\nMIIBpublic\n-----END PUBLIC KEY-----"
PRIVATE_PEM = "-----BEGIN PRIVATE KEY-----\nMIIBprivate\n-----END PRIVATE KEY-----"

NECESSARY = {
    "KONAPLATE_BASE_URL": "https://upstream.example/open-api",
    "KONAPLATE_ASP_ID": "000000000000001",
    "KONAPLATE_ACCESS_KEY": "an-access-key-of-forty-characters-in-all",
    "KONAPLATE_SECRET_KEY": "a-secret-key",
}
PLAIN = {**NECESSARY, "KONAPLATE_ENCRYPTION": "off"}
SECOND_PAIR = {
    "KONAPLATE_CRYPTO_KEY_ID_2": "second-key",
    "KONAPLATE_SERVER_PUBLIC_KEY_2": PUBLIC_PEM,
    "KONAPLATE_CLIENT_PRIVATE_KEY_2": PRIVATE_PEM,
}

# What makes every value of every other variable possible: production, an open address, a Redis, a manifest.
PROTECTED = {
    **PLAIN,
    "KONAPLATE_CLIENT_CERTIFICATE": "own.pem",
    "KONAGRAPH_DOCUMENTS": "manifest.json",
    "KONAGRAPH_AUTH": "jwt",
    "KONAGRAPH_JWT_JWKS": "jwks.json",
    "KONAGRAPH_JWT_ISSUER": "issuer",
    "KONAGRAPH_JWT_AUDIENCE": "audience",
    "KONAGRAPH_API_KEYS": "keys.toml",
    "KONAGRAPH_CARD_REF_KEY": "a-key-of-at-least-32-characters!",
    "KONAGRAPH_REDIS_URL": "redis://b.example",
    "KONAGRAPH_ID_KEY": "a-key-of-ids-of-32-characters-ok",
    "KONAGRAPH_AUDIT_KEY": "a-key-of-audits-of-32-characters",
    "KONAGRAPH_DOCUMENTS_MODE": "off",
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
    ("KONAGRAPH_ENV", "production", "production"),
    ("KONAGRAPH_HOST", "0.0.0.0", "0.0.0.0"),
    ("KONAGRAPH_PORT", "9", 9),
    ("KONAGRAPH_ADMIN_HOST", "0.0.0.0", "0.0.0.0"),
    ("KONAGRAPH_ADMIN_PORT", "9191", 9191),
    ("KONAGRAPH_DRAIN_DELAY", "5", 5.0),
    ("KONAGRAPH_KEEPALIVE", "10", 10.0),
    ("KONAGRAPH_TRUSTED_PROXIES", "10.0.0.0/8,::1", (ip_network("10.0.0.0/8"), ip_network("::1"))),
    ("KONAGRAPH_REDIS_URL", "redis://a.example/1", Credential("redis://a.example/1")),
    (
        "KONAGRAPH_CARD_REF_KEY",
        "another-key-of-32-characters-or-so",
        Credential("another-key-of-32-characters-or-so"),
    ),
    ("KONAGRAPH_ID_KEY", "i" * 32, Credential("i" * 32)),
    ("KONAGRAPH_ID_KEY_2", "j" * 32, Credential("j" * 32)),
    ("KONAGRAPH_LOG_LEVEL", "debug", "debug"),
    ("KONAGRAPH_LOG_FORMAT", "console", "console"),
    ("KONAGRAPH_AUDIT_LOG", "logs/audit.log", Path("logs/audit.log")),
    ("KONAGRAPH_AUDIT_KEY", "a" * 32, Credential("a" * 32)),
    ("KONAGRAPH_AUDIT_OWN_READS", "false", False),
    ("KONAGRAPH_OTEL_ENDPOINT", "http://collector:4318", "http://collector:4318"),
    ("KONAGRAPH_CLIENTS", "web@1.4.0 partner", frozenset({"web@1.4.0", "partner"})),
    ("KONAGRAPH_AUTH", "api-key", "api-key"),
    ("KONAGRAPH_ALLOW_ANONYMOUS", "true", True),
    ("KONAGRAPH_JWT_JWKS", "keys/jwks.json", "keys/jwks.json"),
    ("KONAGRAPH_JWT_ISSUER", "https://issuer.example", "https://issuer.example"),
    ("KONAGRAPH_JWT_AUDIENCE", "an-audience", "an-audience"),
    ("KONAGRAPH_MEMBER_CLAIM", "uid", "uid"),
    ("KONAGRAPH_SCOPE_CLAIM", "scp", "scp"),
    ("KONAGRAPH_API_KEYS", "keys/keys.toml", Path("keys/keys.toml")),
    ("KONAGRAPH_ALLOWED_HOSTS", "API.example., a:1", frozenset({b"api.example", b"a:1"})),
    ("KONAGRAPH_ALLOWED_ORIGINS", "https://a.example http://b:1", frozenset({"https://a.example", "http://b:1"})),
    ("KONAGRAPH_ALLOWED_HEADERS", "X-App, x-b", frozenset({"x-app", "x-b"})),
    ("KONAGRAPH_DRAFT_STATUS_CODES", "true", True),
    ("KONAGRAPH_FEDERATION", "true", True),
    ("KONAPLATE_TIMEOUT", "3", 3.0),
    ("KONAPLATE_POOL_TIMEOUT", "1.5", 1.5),
    ("KONAPLATE_MAX_CONNECTIONS", "8", 8),
    ("KONAGRAPH_REQUEST_TIMEOUT", "4", 4.0),
    ("KONAGRAPH_MAX_REQUESTS", "37", 37),
    ("KONAGRAPH_REQUEST_RATE", "31", 31),
    ("KONAGRAPH_REQUEST_BURST", "32", 32),
    ("KONAGRAPH_COST_BURST", "34", 34),
    ("KONAGRAPH_CARDS_PER_MINUTE", "35", 35),
    ("KONAGRAPH_MAX_CARDS", "4", 4),
    ("KONAGRAPH_MAX_COST", "19", 19),
    ("KONAGRAPH_MAX_ROOT_FIELDS", "13", 13),
    ("KONAGRAPH_DOCUMENTS", "persisted-documents.json", (Path("persisted-documents.json"),)),
    ("KONAGRAPH_DOCUMENTS_MODE", "log", "log"),
    ("KONAGRAPH_APQ", "false", False),
    ("KONAGRAPH_GET", "false", False),
    ("KONAGRAPH_INTROSPECTION", "false", False),
    ("KONAPLATE_JWE_ALGORITHMS", "RSA-OAEP, A256GCM", ("RSA-OAEP", "A256GCM")),
    ("KONAPLATE_SEAL_REQUESTS", "card_info, -user_info", ("card_info", "-user_info")),
    ("KONAPLATE_SEAL_ANSWERS", "-card_info", ("-card_info",)),
    ("KONAPLATE_NO_CARD_CODES", "003_099, 218_1000_001", ("003_099", "218_1000_001")),
    ("KONAPLATE_FIRST_PAGE", "1", 1),
    ("KONAPLATE_TIME_ZONE", "UTC", Zone.UTC),
    ("KONAGRAPH_MAX_TRANSACTION_DAYS", "31", 31),
    ("KONAPLATE_CORRELATION_ECHO", "require", EchoRule.REQUIRE),
    ("KONAPLATE_CA_BUNDLE", "certificates/ca.pem", Path("certificates/ca.pem")),
    ("KONAPLATE_CLIENT_CERTIFICATE", "certificates/own.pem", Path("certificates/own.pem")),
    ("KONAPLATE_CLIENT_CERTIFICATE_KEY", "certificates/own.key", Path("certificates/own.key")),
]
