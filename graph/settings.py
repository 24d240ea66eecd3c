"""Typed settings from environment variables and secret files. Nothing else reads the environment.

Every problem is reported at once, by the variable's name and never with its value.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import httpx
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from graph.http_settings import Hosts, IdleSeconds, Networks, OriginSet  # noqa: TC001 - pydantic reads them
from graph.konaplate.encryption import DEFAULT_ALGORITHMS, DEFAULT_CONTENT_ENCRYPTIONS
from graph.konaplate.wire import Zone
from graph.settings_rules import cross_problems
from graph.web.explorer import DIRECTORY
from graph.web.limits import HttpLimits
from schema.secrets import Credential

PREFIXES: Final = ("KONAGRAPH_", "KONAPLATE_")
_PEM: Final = "-----BEGIN"
_MAX_PORT: Final = 65_535
_MIN_KEY_CHARACTERS: Final = 32


class SettingsError(Exception):
    """Settings that cannot be used; `problems` names every one of them."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def _header_text(value: str) -> str:
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("must be printable ASCII without spaces")
    return value


def _http_url(value: str) -> str:
    if not _is_http_address(value) or set(value) & set("?#@ "):
        raise ValueError("must be an http or https URL without credentials, query and fragment")
    return value


def _is_http_address(value: str) -> bool:
    # As the client will read it: what httpx refuses would fail at every call.
    try:
        url = httpx.URL(value)
    except httpx.InvalidURL:
        return False
    port = 80 if url.port is None else url.port
    return url.scheme in ("http", "https") and bool(url.host) and 0 < port <= _MAX_PORT


def _credential(value: object) -> object:
    return Credential(_header_text(value)) if isinstance(value, str) else value


def _redis_url(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not value.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("must be a redis, rediss or unix URL")
    return Credential(value)


def _card_ref_key(value: object) -> object:
    if not isinstance(value, str):
        return value
    if len(value) < _MIN_KEY_CHARACTERS:
        raise ValueError(f"must have at least {_MIN_KEY_CHARACTERS} characters")
    return Credential(value)


def _pem(value: object) -> object:
    """PEM text as it is, with real line breaks; anything else is the path of a file that holds it."""
    if not isinstance(value, str):
        return value
    if not value.lstrip().startswith(_PEM):
        value = _file_text(value)
    return Credential(value.replace("\\n", "\n"))


def _file_text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        # Not `from error`: its message repeats the text, which may be a mistyped key.
        raise ValueError("names a file that cannot be read") from None


def _words(value: object) -> object:
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


HeaderText = Annotated[str, AfterValidator(_header_text)]
Url = Annotated[str, AfterValidator(_http_url)]
Secret = Annotated[Credential, BeforeValidator(_credential)]
RedisUrl = Annotated[Credential, BeforeValidator(_redis_url)]
CardRefKey = Annotated[Credential, BeforeValidator(_card_ref_key)]
Pem = Annotated[Credential, BeforeValidator(_pem)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Seconds = Annotated[float, Field(gt=0, le=60)]
Ratio = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(gt=0, le=1_000_000_000)]


class Settings(BaseModel):
    """All settings. A field's variable is its name in capitals; docs/configuration.md explains each."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)

    konaplate_base_url: Url
    konaplate_asp_id: HeaderText
    konaplate_access_key: Secret
    konaplate_secret_key: Secret
    konaplate_encryption: Literal["on", "off"] = "on"
    konaplate_crypto_key_id: HeaderText | None = None
    konaplate_server_public_key: Pem | None = None
    konaplate_client_private_key: Pem | None = None
    konaplate_crypto_key_id_2: HeaderText | None = None
    konaplate_server_public_key_2: Pem | None = None
    konaplate_client_private_key_2: Pem | None = None
    konaplate_jwe_algorithms: Words = DEFAULT_ALGORITHMS
    konaplate_jwe_content_encryptions: Words = DEFAULT_CONTENT_ENCRYPTIONS
    konaplate_time_zone: Zone = Zone.KST
    konaplate_transport: Literal["lean", "httpx"] = "lean"
    konaplate_ca_bundle: Path | None = None
    konaplate_client_certificate: Path | None = None
    konaplate_client_certificate_key: Path | None = None
    konaplate_timeout: Seconds = 2.5
    konaplate_attempt_timeout: Seconds = 1.5
    konaplate_connect_timeout: Seconds = 1.0
    konaplate_pool_timeout: Seconds = 0.25
    konaplate_max_connections: Count = 64
    konaplate_min_connections: Count = 4
    konaplate_keepalive: Seconds = 15.0
    konaplate_max_response_bytes: Count = 256 * 1024
    konaplate_attempts: Annotated[int, Field(gt=0, le=5)] = 2
    konaplate_retry_pause_min: Seconds = 0.05
    konaplate_retry_pause_max: Seconds = 0.25
    konaplate_retry_ratio: Ratio = 0.1
    konaplate_retries_per_second: Annotated[float, Field(ge=0, le=1_000)] = 3.0
    konaplate_breaker_window: Seconds = 10.0
    konaplate_breaker_calls: Count = 20
    konaplate_breaker_ratio: Annotated[float, Field(gt=0, le=1)] = 0.5
    konaplate_breaker_open: Seconds = 5.0
    konaplate_breaker_open_max: Seconds = 60.0
    konaplate_breaker_probes: Count = 3

    konagraph_env: Literal["development", "production"] = "development"
    konagraph_host: str = "127.0.0.1"
    konagraph_port: Annotated[int, Field(ge=0, le=_MAX_PORT)] = 8000
    konagraph_log_level: Literal["debug", "info", "warning", "error"] = "info"
    konagraph_log_format: Literal["json", "console"] = "json"
    konagraph_otel_endpoint: Url | None = None
    konagraph_otel_sample: Ratio = 1.0
    konagraph_request_timeout: Seconds = 5.0
    konagraph_max_requests: Count = 200
    konagraph_max_body_bytes: Count = 64 * 1024
    konagraph_max_document_characters: Count = 15_000
    konagraph_max_document_tokens: Count = 600
    konagraph_max_depth: Count = 8
    konagraph_max_aliases: Count = 15
    konagraph_max_root_fields: Count = 10
    konagraph_max_fields: Count = 200
    konagraph_max_directives: Count = 20
    konagraph_max_operations: Count = 10
    konagraph_max_introspection_depth: Count = 20
    konagraph_max_introspection_fields: Count = 1_000
    konagraph_max_cost: Count = 500
    konagraph_max_cards: Count = 20
    konagraph_executor: Literal["plan", "core"] = "plan"
    konagraph_document_cache: Count = 1_000
    konagraph_documents: Path | None = None
    konagraph_documents_mode: Literal["off", "log", "enforce"] = "off"
    konagraph_apq: bool | None = None
    konagraph_apq_size: Count = 1_000
    konagraph_introspection: bool | None = None
    konagraph_explorer: bool | None = None
    konagraph_get: bool | None = None
    konagraph_explorer_directory: Path = DIRECTORY
    konagraph_admin_host: str = "127.0.0.1"
    konagraph_admin_port: Annotated[int, Field(ge=0, le=_MAX_PORT)] | None = 9090
    konagraph_drain_delay: Annotated[float, Field(ge=0, le=60)] = 0.0
    konagraph_drain_timeout: Seconds = 6.0
    konagraph_workers: Annotated[int, Field(gt=0, le=64)] = 1
    konagraph_max_header_bytes: Count = HttpLimits.header_bytes
    konagraph_max_headers: Count = HttpLimits.headers
    konagraph_max_url_bytes: Count = HttpLimits.url_bytes
    konagraph_header_timeout: Seconds = HttpLimits.header_timeout
    konagraph_body_timeout: Seconds = HttpLimits.body_timeout
    konagraph_write_timeout: Seconds = HttpLimits.write_timeout
    konagraph_keepalive: IdleSeconds = HttpLimits.keepalive
    konagraph_allowed_hosts: Hosts = frozenset()
    konagraph_allowed_origins: OriginSet = frozenset()
    konagraph_trusted_proxies: Networks = ()

    konagraph_auth: Literal["none", "jwt", "api-key"] = "none"
    konagraph_allow_anonymous: bool = False
    konagraph_jwt_jwks: str | None = None
    konagraph_jwt_issuer: str | None = None
    konagraph_jwt_audience: str | None = None
    konagraph_member_claim: str = "konaplate_user_id"
    konagraph_api_keys: Path | None = None
    konagraph_redis_url: RedisUrl | None = None
    konagraph_card_ref_key: CardRefKey | None = None
    konagraph_audit_log: Path | None = None
    konagraph_request_rate: Count = 50
    konagraph_request_burst: Count = 100
    konagraph_cost_rate: Count = 50
    konagraph_cost_burst: Count = 1_000
    konagraph_cards_per_minute: Count = 30
    konagraph_cards_per_hour: Count = 300

    def allowed_in_development(self, switch: bool | None) -> bool:  # noqa: FBT001 - a setting's own value
        """A switch that is on in development and off in production unless it is set."""
        return self.konagraph_env == "development" if switch is None else switch


def load_settings(environment: Mapping[str, str], **overrides: Any) -> Settings:
    """Read the settings.

    Args:
        environment: usually `os.environ`.
        overrides: values by field name that take precedence, such as a port from the command line.

    Raises:
        SettingsError: with every problem at once.
    """
    values, unread = _values(environment)
    values.update(overrides)
    problems = [*unread.values(), *cross_problems(values, unread)]
    try:
        settings = Settings(**values)
    except ValidationError as error:
        problems += [
            _problem(entry)
            for entry in error.errors(include_input=False, include_url=False)
            if not (entry["type"] == "missing" and entry["loc"][0] in unread)
        ]
        raise SettingsError(problems) from None
    if problems:
        raise SettingsError(problems)
    return settings


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables with our prefixes that no setting reads, each with the likely meaning; usually a typing error."""
    known = {_variable(name) for name in Settings.model_fields}
    known |= {f"{name}_FILE" for name in known}
    hints = []
    for name in sorted(environment):
        if name.startswith(PREFIXES) and name not in known:
            close = difflib.get_close_matches(name, known, 1, 0.8)
            hints.append(f"{name} is not a setting" + (f"; did you mean {close[0]}?" if close else ""))
    return hints


def _values(environment: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The raw values, and the problems of those that are set but cannot be had, both by field name.

    An empty variable is as good as none: compose files make them.
    """
    values: dict[str, Any] = {}
    unread: dict[str, str] = {}
    for field in Settings.model_fields:
        name = _variable(field)
        direct, path = environment.get(name), environment.get(f"{name}_FILE")
        if direct and path:
            unread[field] = f"{name} and {name}_FILE are both set"
        elif direct:
            values[field] = direct
        elif path:
            try:
                values[field] = _file_text(path)
            except ValueError as error:
                unread[field] = f"{name}_FILE {error}"
    return values, unread


def _variable(field: str) -> str:
    return field.upper()


def _problem(entry: Any) -> str:
    name = _variable(str(entry["loc"][0])) if entry["loc"] else ""
    if entry["type"] == "missing":
        return f"{name} is missing"
    message = str(entry["msg"]).removeprefix("Value error, ")
    return f"{name}: {message[:1].lower()}{message[1:]}" if name else message
