"""Builds the servers from the settings: the gateway's port and its admin port."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from graph.http.exchange import new_request_id
from graph.http.front import Front
from graph.http.health import Health, admin_app
from graph.http.responses import HttpError, error_response, private_headers
from graph.server.connection import ConnectionOptions
from graph.server.limits import HttpLimits
from graph.server.listen import ListenError, bind
from graph.server.request_validation import RejectionResponse
from graph.server.server import Drain, Server

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from starlette.applications import Starlette

    from graph.config.settings import Settings
    from graph.server.request_validation import RequestRejectedError
    from graph.telemetry.metrics import Metrics


# A request that began just before the listener closed may take its whole timeout, plus this to write its response.
AFTER_REQUESTS: Final = 1.0


def gateway_server(app: Starlette, settings: Settings, on_ready: Callable[[int], None]) -> Server:
    """The gateway's server, with that of the admin port beside it if one is configured.

    `on_ready` is called with the port once connections are accepted.

    Raises:
        ListenError: when an address cannot be listened on.
    """
    health: Health = app.state.health
    sockets = bind(settings.konagraph_host, settings.konagraph_port)
    server = Server(
        app,
        sockets,
        ConnectionOptions(_counted(app.state.count_refusal), http_limits(settings)),
        on_ready=on_ready,
        drain=Drain(
            settings.konagraph_drain_delay, settings.konagraph_request_timeout + AFTER_REQUESTS, health.drain
        ),
    )
    if settings.konagraph_admin_port is not None:
        try:
            host, port = settings.konagraph_admin_host, settings.konagraph_admin_port
            admin_sockets = bind(host, port, chosen_by="KONAGRAPH_ADMIN_PORT")
        except ListenError:
            for one in sockets:
                one.close()
            raise
        server.beside.append(_admin_server(app, settings, admin_sockets))
    return server


def _admin_server(app: Starlette, settings: Settings, sockets: list[socket.socket]) -> Server:
    """The server of the admin port, which shuts down without waiting."""
    metrics: Metrics = app.state.metrics
    admin = admin_app(app.state.health, lambda: Response(metrics.render(), media_type=metrics.content_type))
    return Server(
        Front(admin),
        sockets,
        ConnectionOptions(rejection_response, admin_limits(settings)),
        lifespan=False,
        drain=Drain(timeout=0.0),
    )


def http_limits(settings: Settings) -> HttpLimits:
    """The limits of a connection."""
    return HttpLimits(
        keepalive=settings.konagraph_keepalive,
        allowed_hosts=settings.konagraph_allowed_hosts,
        fixed_hosts=settings.konagraph_auth == "none",
    )


def admin_limits(settings: Settings) -> HttpLimits:
    """The limits of a connection to the admin port, which has no authentication."""
    return HttpLimits(allowed_hosts=settings.konagraph_allowed_hosts, fixed_hosts=True)


def _counted(count: Callable[[int], None]) -> Callable[[RequestRejectedError], RejectionResponse]:
    def respond(rejected: RequestRejectedError) -> RejectionResponse:
        count(rejected.status.value)
        return rejection_response(rejected)

    return respond


def rejection_response(rejected: RequestRejectedError) -> RejectionResponse:
    """The response to a rejected request, in the format of the app's errors."""
    request_id = new_request_id()
    error = HttpError(rejected.status, rejected.message, retryable=rejected.status is HTTPStatus.REQUEST_TIMEOUT)
    response = error_response(error, request_id)
    # The server adds the Content-Length.
    headers = [header for header in response.raw_headers if header[0] != b"content-length"]
    return RejectionResponse(
        private_headers([*rejected.headers, *headers], request_id), bytes(response.body), request_id
    )
