"""SIGHUP under load with encryption: all keys and credentials are replaced, and no request fails."""

from __future__ import annotations

import asyncio
import itertools
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.cli.processes import command
from tests.independent.credentials import Credentials
from tests.independent.konaplate import IndependentKonaplate
from tests.independent.rules import CRYPTO_KEY_ID
from tests.konaplate.support import card_fields
from tests.lifecycle.clients import client
from tests.lifecycle.test_reload import READ
from tests.lifecycle.upstreams import ANSWER, query

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from tests.independent.http1 import Request

ASKERS: Final = 4
ROUNDS: Final = 3


class RotatingKonaplate(IndependentKonaplate):
    """Accepts several sets of credentials, each with its own crypto key id; the last is the newest."""

    def __init__(self, *accepted: Credentials) -> None:
        super().__init__(credentials=accepted[-1])
        self.accepted = {each.crypto_key_id: each for each in accepted}
        self.used: list[str] = []

    def _answer(self, request: Request) -> tuple[int, list[tuple[str, str]], bytes]:
        (key_id,) = request.values(CRYPTO_KEY_ID)
        self.used.append(key_id)
        # A request with an id that is no longer accepted is checked against the newest set.
        self.credentials = self.accepted.get(key_id, next(reversed(self.accepted.values())))
        return super()._answer(request)


class Asker:
    """Requests one card after another until stopped."""

    def __init__(self, asked: httpx.AsyncClient, url: str, numbers: Iterator[int]) -> None:
        self._asked = asked
        self._url = url
        self._numbers = numbers
        self._stopped = False
        self._more = asyncio.Condition()
        self.answers: list[tuple[int, object]] = []

    async def run(self) -> None:
        while not self._stopped:
            answer = await self._asked.post(self._url, json=query(next(self._numbers)))
            async with self._more:
                self.answers.append((answer.status_code, answer.json()))
                self._more.notify_all()

    async def goes_on(self) -> None:
        """Wait until requests that start from now on have been answered."""
        enough = len(self.answers) + ROUNDS
        async with self._more:
            await self._more.wait_for(lambda: len(self.answers) >= enough)

    def stop(self) -> None:
        self._stopped = True


def write(folder: Path, credentials: Credentials) -> dict[str, str]:
    """The files of a gateway's secrets, and the settings that name them."""
    texts = {
        "KONAPLATE_ACCESS_KEY": credentials.access_key,
        "KONAPLATE_SECRET_KEY": credentials.secret_key,
        "KONAPLATE_CRYPTO_KEY_ID": credentials.crypto_key_id,
        "KONAPLATE_SERVER_PUBLIC_KEY": credentials.server_public_key_pem,
        "KONAPLATE_CLIENT_PRIVATE_KEY": credentials.client_private_key_pem,
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return {f"{name}_FILE": str(folder / name) for name in texts}


async def test_every_key_is_swapped_under_load_and_no_request_fails(tmp_path: Path) -> None:
    old = Credentials.generate()
    new = replace(Credentials.generate(), asp_id=old.asp_id)
    async with RotatingKonaplate(old, new) as upstream:
        upstream.cards = dict.fromkeys((f"{number:016d}" for number in range(10_000)), card_fields(balance=7))
        given = {
            "KONAPLATE_BASE_URL": upstream.base_url,
            "KONAPLATE_ASP_ID": old.asp_id,
            "KONAGRAPH_ALLOW_ANONYMOUS": "true",
            **write(tmp_path, old),
        }
        async with command("serve", "--port", "0", **given) as gateway, client() as asked:
            url = await gateway.url()
            numbers = itertools.count()
            askers = [Asker(asked, url, numbers) for _ in range(ASKERS)]
            asking = asyncio.gather(*(asker.run() for asker in askers))
            await asyncio.gather(*(asker.goes_on() for asker in askers))
            before = list(upstream.used)
            write(tmp_path, new)
            gateway.send(signal.SIGHUP)
            await gateway.logged(READ)
            # Earlier calls are over by then, and Konaplate drops the old key.
            await asyncio.gather(*(asker.goes_on() for asker in askers))
            del upstream.accepted[old.crypto_key_id]
            seen = len(upstream.used)
            await asyncio.gather(*(asker.goes_on() for asker in askers))
            for asker in askers:
                asker.stop()
            await asking

    answers = [answer for asker in askers for answer in asker.answers]
    assert [(200, ANSWER)] * len(answers) == answers
    assert upstream.violations == []
    assert ({old.crypto_key_id}, {new.crypto_key_id}) == (set(before), set(upstream.used[seen:]))
