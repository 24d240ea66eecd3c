"""What is checked: files, clock, name resolution, and each server that the settings name."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx

from graph.config.settings import Settings, SettingsError
from graph.config.types import is_url
from graph.graphql.origins import plain
from graph.header_values import seconds_ahead
from graph.output.findings import Finding, clock_finding
from graph.security.jwks import BadKeySetError, read_key_set
from graph.wiring.faults import in_words
from graph.wiring.security import build_redis, key_set_at
from graph.wiring.tls import build_tls
from schema.secrets import Credential

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

_SECONDS: Final = 5.0
_LONGEST_PATH: Final = 1_000
_PORTS: Final = {"http": 80, "https": 443, "redis": 6379, "rediss": 6379}
# Keys of the type of secrets that everybody may read.
_PUBLIC: Final = ("KONAPLATE_SERVER_PUBLIC_KEY", "KONAPLATE_SERVER_PUBLIC_KEY_2")
_TRACES: Final = "/v1/traces"


def file_checks(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Check who may read and write the files of keys and other secrets that the settings name."""
    for name, path in sorted(_secret_files(environment).items()):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            # The settings' own problem.
            continue
        is_public = name.removesuffix("_FILE") in _PUBLIC
        if is_public and not mode & stat.S_IWOTH:
            yield Finding(name, "good", f"its file cannot be written by everybody ({mode:04o})")
        elif mode & (stat.S_IROTH | stat.S_IWOTH):
            advice = "chmod 644" if is_public else "chmod 600 or 640"
            yield Finding(name, "bad", f"its file is open to everybody ({mode:04o})", advice)
        else:
            yield Finding(name, "good", f"its file is not open to everybody ({mode:04o})")


def _secret_files(environment: Mapping[str, str]) -> dict[str, Path]:
    secret = {
        name.upper() for name, field in Settings.model_fields.items() if plain(field.annotation) is Credential
    }
    own_key = "KONAPLATE_CLIENT_CERTIFICATE_KEY"
    # Without a file of its own, the key is in the certificate's.
    has_file = any(environment.get(name, "").strip() for name in (own_key, f"{own_key}_FILE"))
    secret |= {"KONAGRAPH_API_KEYS", own_key if has_file else "KONAPLATE_CLIENT_CERTIFICATE"}
    found = {}
    for name in secret:
        # Stripped, as the settings are read.
        if path := environment.get(f"{name}_FILE", "").strip():
            found[f"{name}_FILE"] = Path(path)
        elif (text := environment.get(name, "").strip()) and len(text) < _LONGEST_PATH and "\n" not in text:
            # A key of PEM may be given as a path.
            with contextlib.suppress(OSError):
                if Path(text).is_file():
                    found[name] = Path(text)
    return found


async def server_checks(settings: Settings) -> AsyncIterator[Finding]:
    """Check name resolution, the connection to each server, and the clock."""
    async for check in _konaplate(settings):
        yield check
    jwks = settings.konagraph_jwt_jwks
    if settings.konagraph_auth == "jwt" and jwks is not None:
        async for check in _key_set(jwks):
            yield check
    if settings.konagraph_redis_url is not None:
        async for check in _redis(settings):
            yield check
    if settings.konagraph_otel_endpoint is not None:
        async for check in _collector(settings.konagraph_otel_endpoint):
            yield check


async def _konaplate(settings: Settings) -> AsyncIterator[Finding]:
    url = settings.konaplate_base_url
    name = await _name("Konaplate", url)
    yield name
    if name.verdict == "bad":
        return
    try:
        context = build_tls(settings)
    except SettingsError:
        # The settings' own problem.
        return
    answer = await _answer("GET", url, context)
    if isinstance(answer, str):
        advice = "check KONAPLATE_BASE_URL, the firewall, KONAPLATE_CA_BUNDLE and KONAPLATE_CLIENT_CERTIFICATE"
        yield Finding("Konaplate", "bad", answer, advice)
        return
    yield Finding("Konaplate", "good", f"answers (HTTP {answer.status_code}); konagraph probe tries calls")
    yield clock_finding(seconds_ahead(answer.headers.get("date")))


async def _key_set(where: str) -> AsyncIterator[Finding]:
    advice = "check KONAGRAPH_JWT_JWKS and the issuer"
    if not is_url(where):
        try:
            keys = read_key_set(await asyncio.to_thread(Path(where).read_bytes))
        except (OSError, BadKeySetError):
            yield Finding("issuer's keys", "bad", "the file cannot be used", advice)
        else:
            yield Finding("issuer's keys", "good", f"{len(keys)} usable in the file")
        return
    name = await _name("issuer", where)
    yield name
    if name.verdict == "bad":
        return
    try:
        keys = read_key_set(await key_set_at(where, timeout=_SECONDS)())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the gateway would meet
        seen = str(error) if isinstance(error, BadKeySetError) else in_words(error)
        yield Finding("issuer's keys", "bad", seen, advice)
    else:
        yield Finding("issuer's keys", "good", f"{len(keys)} usable")


async def _redis(settings: Settings) -> AsyncIterator[Finding]:
    redis = build_redis(settings)
    if redis is None:
        return
    try:
        async with asyncio.timeout(_SECONDS):
            await redis.time()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the gateway would meet
        advice = "check KONAGRAPH_REDIS_URL, the user's rights and the firewall; until then budgets are local"
        yield Finding("Redis", "bad", _of_redis(error), advice)
    else:
        yield Finding("Redis", "good", "answers, and accepts the user")
    finally:
        await redis.aclose()


def _of_redis(error: Exception) -> str:
    # Imported here, as in `build_redis`.
    from redis import exceptions  # noqa: PLC0415

    # On a Unix socket, redis-py hides it in an error of connections.
    if any(isinstance(each, exceptions.AuthenticationError) for each in (error, error.__cause__)):
        return "does not accept the user and password"
    if isinstance(error, exceptions.NoPermissionError):
        return "does not let the user ask for the time"
    if isinstance(error, TimeoutError | exceptions.TimeoutError):
        return "does not answer in time"
    if isinstance(error, exceptions.ConnectionError | OSError):
        return "refuses connections, or cannot be reached"
    return f"answers with an error ({type(error).__name__})"


async def _collector(endpoint: str) -> AsyncIterator[Finding]:
    name = await _name("collector", endpoint)
    yield name
    if name.verdict == "bad":
        return
    # A request without spans.
    answer = await _answer("POST", endpoint.rstrip("/") + _TRACES, None)
    if isinstance(answer, str) or answer.status_code != httpx.codes.OK:
        seen = answer if isinstance(answer, str) else f"HTTP {answer.status_code}"
        yield Finding("collector", "bad", seen, "check KONAGRAPH_OTEL_ENDPOINT; it must take OTLP over HTTP")
    else:
        yield Finding("collector", "good", "takes OTLP over HTTP")


async def _name(what: str, url: str) -> Finding:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    try:
        async with asyncio.timeout(_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        return Finding(
            f"{what}'s name", "bad", f"{host} has no address", "check the address and this machine's DNS"
        )
    count = len({address[4][0] for address in found})
    return Finding(f"{what}'s name", "good", f"{host} has {count} address{'' if count == 1 else 'es'}")


async def _answer(method: str, url: str, context: ssl.SSLContext | None) -> httpx.Response | str:
    """Return the answer, or what went wrong, in words without the address."""
    headers = {"content-type": "application/x-protobuf"} if method == "POST" else {}
    try:
        # The body tells nothing, and may never end.
        async with (
            asyncio.timeout(2 * _SECONDS),
            httpx.AsyncClient(
                verify=context or ssl.create_default_context(), trust_env=False, timeout=_SECONDS
            ) as client,
            client.stream(method, url, headers=headers) as answer,
        ):
            return answer
    except (httpx.HTTPError, TimeoutError) as error:
        return in_words(error)
