# syntax=docker/dockerfile:1
ARG BASE=python:3.13-slim-bookworm
ARG NODE=node:22-bookworm-slim

# The files of the GraphiQL page.
FROM ${NODE} AS explorer
WORKDIR /explorer
COPY explorer/ ./
RUN npm ci --ignore-scripts --no-audit --no-fund

# The project's wheel, and an environment with nothing but it and what it needs at run time.
FROM ${BASE} AS build
WORKDIR /src
RUN python3 -m venv /tools && python3 -m venv /opt/konagraph
COPY requirements.lock requirements-runtime.lock ./
RUN /tools/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.lock \
    && /opt/konagraph/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements-runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY schema/ schema/
COPY graph/ graph/
RUN /tools/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/konagraph/bin/pip install --no-cache-dir --no-deps /wheels/*.whl

FROM ${BASE}
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin konagraph \
    && install --directory --owner konagraph --mode 0700 /credentials /secrets /redis
COPY --from=build /opt/konagraph /opt/konagraph
COPY --from=explorer /explorer /opt/konagraph/explorer
ENV PATH=/opt/konagraph/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    KONAGRAPH_HOST=0.0.0.0 \
    KONAGRAPH_EXPLORER_DIRECTORY=/opt/konagraph/explorer
USER 10001
# The second port is for health and metrics; it is on loopback unless KONAGRAPH_ADMIN_HOST says otherwise.
EXPOSE 8000 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9090/livez', timeout=2)"]
ENTRYPOINT ["konagraph"]
CMD ["serve"]
