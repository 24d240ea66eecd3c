"""The explorer's playground: whom to play and what to ask for, where the embedded sandbox is the upstream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graph.sandbox.showcase import showcase
from graph.security.development import DevelopmentSigner, signer_folder
from graph.security.guests import Guests, roles
from graph.wiring.http import Playground

if TYPE_CHECKING:
    from collections.abc import Callable

    from graph.config.settings import Settings
    from graph.security.authorization import Viewer

OWNER: Final = 2005
"""The sandbox's member who is played unless another one is chosen."""
_OTHER: Final = 1001
_HOUR: Final = 3600


def build_playground(settings: Settings, caller: Viewer) -> Playground:
    """Build the playground of a gateway that treats every caller as `caller`, or verifies tokens of its own."""
    owner = OWNER if caller.member_id is None else int(caller.member_id.reveal())
    parts = roles(owner, _OTHER if owner != _OTHER else OWNER)
    if settings.konagraph_auth == "none":
        return Playground(Guests(caller, parts), showcase())
    mint = _signer(settings)
    return Playground(None if mint is None else Guests(caller, parts, mint), showcase())


def _signer(settings: Settings) -> Callable[[Viewer], str] | None:
    """Sign tokens with the development key that the settings accept; None if they accept none."""
    if settings.konagraph_auth != "jwt":
        return None
    folder = signer_folder(
        settings.konagraph_jwt_jwks, settings.konagraph_jwt_issuer, settings.konagraph_jwt_audience
    )
    if folder is None:
        return None

    def mint(viewer: Viewer) -> str:
        claims = {settings.konagraph_scope_claim: " ".join(sorted(viewer.scopes))}
        if viewer.member_id is not None:
            claims[settings.konagraph_member_claim] = viewer.member_id.reveal()
        signer = DevelopmentSigner.in_directory(folder)
        return signer.token(viewer.id, scopes=sorted(viewer.scopes), lifetime=_HOUR, claims=claims)

    return mint
