"""All settings with their types, bounds and defaults, by who needs them."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from graph.config.types import (
    ClientNames,
    Codes,
    Count,
    Days,
    FirstPage,
    HeaderNames,
    HeaderSecret,
    HeaderText,
    Host,
    Hosts,
    IdleSeconds,
    LongKey,
    Networks,
    OneLine,
    OriginSet,
    Paths,
    Pem,
    Port,
    RedisUrl,
    Seconds,
    SecondsOrNone,
    Switch,
    Url,
    UrlOrPath,
    WordList,
)
from graph.graphql.limits import DocumentLimits
from graph.konaplate.encryption import DEFAULT_ALGORITHMS, DEFAULT_CONTENT_ENCRYPTIONS
from graph.konaplate.protocol import EchoRule, Zone
from graph.security.authorization import Allowance
from graph.server.limits import HttpLimits

KEY_PAIRS: Final = (
    "konaplate_crypto_key_id",
    "konaplate_server_public_key",
    "konaplate_client_private_key",
    "konaplate_crypto_key_id_2",
    "konaplate_server_public_key_2",
    "konaplate_client_private_key_2",
)
"""The settings of both pairs of keys that encrypt messages."""


class SettingsError(Exception):
    """Settings that cannot be used.

    Args:
        problems: a message for each.
        rest: the settings without the wrong ones, for checking the others; never for running.
        wrong: the wrong fields, which are not set in `rest`.
    """

    def __init__(
        self, problems: list[str], rest: Settings | None = None, wrong: frozenset[str] = frozenset()
    ) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
        self.rest = rest
        self.wrong = wrong


class Settings(BaseModel):
    """All settings. A field's variable is its name in upper case; docs/configuration.md explains each."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)

    # Everybody: who we are to Konaplate.
    konaplate_base_url: Url
    konaplate_asp_id: HeaderText
    konaplate_access_key: HeaderSecret
    konaplate_secret_key: HeaderSecret
    konaplate_encryption: Literal["on", "off"] = "on"
    konaplate_crypto_key_id: HeaderText | None = None
    konaplate_server_public_key: Pem | None = None
    konaplate_client_private_key: Pem | None = None
    konaplate_crypto_key_id_2: HeaderText | None = None
    konaplate_server_public_key_2: Pem | None = None
    konaplate_client_private_key_2: Pem | None = None
    # Everybody: where the gateway runs.
    konagraph_env: Literal["development", "production"] = "development"
    konagraph_host: Host = "127.0.0.1"
    konagraph_port: Port = 8000
    konagraph_admin_host: Host = "127.0.0.1"
    konagraph_admin_port: Port | None = 9090
    konagraph_drain_delay: SecondsOrNone = 0.0
    konagraph_keepalive: IdleSeconds = HttpLimits.keepalive
    konagraph_trusted_proxies: Networks = ()
    konagraph_redis_url: RedisUrl | None = None
    konagraph_card_ref_key: LongKey | None = None
    konagraph_id_key: LongKey | None = None
    konagraph_id_key_2: LongKey | None = None
    konagraph_log_level: Literal["debug", "info", "warning", "error"] = "info"
    konagraph_log_format: Literal["json", "console"] = "json"
    konagraph_audit_log: Path | None = None
    konagraph_audit_key: LongKey | None = None
    konagraph_audit_own_reads: Switch = True
    konagraph_otel_endpoint: Url | None = None
    konagraph_clients: ClientNames = frozenset()
    # Everybody: who may call.
    konagraph_auth: Literal["none", "jwt", "api-key"] = "none"
    konagraph_allow_anonymous: Switch = False
    konagraph_jwt_jwks: UrlOrPath | None = None
    konagraph_jwt_issuer: OneLine | None = None
    konagraph_jwt_audience: OneLine | None = None
    konagraph_member_claim: OneLine = "konaplate_user_id"
    konagraph_scope_claim: OneLine = "scope"
    konagraph_api_keys: Path | None = None
    konagraph_allowed_hosts: Hosts = frozenset()
    konagraph_allowed_origins: OriginSet = frozenset()
    konagraph_allowed_headers: HeaderNames = frozenset()
    konagraph_draft_status_codes: Switch = False
    konagraph_federation: Switch = False

    # Something is slow.
    konaplate_timeout: Seconds = 2.5
    konaplate_pool_timeout: Seconds = 0.25
    konaplate_max_connections: Count = 64
    konagraph_request_timeout: Seconds = 5.0
    konagraph_max_requests: Count = 200

    # Somebody attacks.
    konagraph_request_rate: Count = 50
    konagraph_request_burst: Count = 100
    konagraph_cost_burst: Count = 1_000
    konagraph_cards_per_minute: Count = 30
    konagraph_max_cards: Count = 20
    konagraph_max_cost: Count = 1_000
    konagraph_max_root_fields: Count = 10
    konagraph_documents: Paths = ()
    konagraph_documents_mode: Literal["off", "log", "enforce"] = "off"
    konagraph_apq: Switch | None = None
    konagraph_get: Switch | None = None
    konagraph_introspection: Switch | None = None

    # The vendor differs.
    konaplate_jwe_algorithms: WordList = (*DEFAULT_ALGORITHMS, *DEFAULT_CONTENT_ENCRYPTIONS)
    konaplate_seal_requests: WordList = ()
    konaplate_seal_answers: WordList = ()
    konaplate_no_card_codes: Codes = ()
    konaplate_first_page: FirstPage = 0
    konaplate_time_zone: Zone = Zone.KST
    konagraph_max_transaction_days: Days = 90
    konaplate_correlation_echo: EchoRule = EchoRule.LEARN
    konaplate_ca_bundle: Path | None = None
    konaplate_client_certificate: Path | None = None
    konaplate_client_certificate_key: Path | None = None

    @property
    def document_limits(self) -> DocumentLimits:
        """The limits of a document and of the request that brings it."""
        return DocumentLimits.for_root_fields(self.konagraph_max_root_fields, self.konagraph_max_cost)

    @property
    def allowance(self) -> Allowance:
        """A viewer's rate limits.

        A twentieth of the cost is restored each second, as at Shopify. An hour allows ten minutes' worth of cards,
        because an app looks at the same few cards, which count once.
        """
        return Allowance(
            requests_per_second=self.konagraph_request_rate,
            request_burst=self.konagraph_request_burst,
            cost_per_second=max(1, self.konagraph_cost_burst / 20),
            cost_burst=self.konagraph_cost_burst,
            cards_per_minute=self.konagraph_cards_per_minute,
            cards_per_hour=10 * self.konagraph_cards_per_minute,
        )

    def allowed_in_development(self, switch: bool | None) -> bool:  # noqa: FBT001 - a setting's own value
        """The value of a switch that is on in development and off in production by default."""
        return self.konagraph_env == "development" if switch is None else switch
