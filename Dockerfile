# The service on a CPU: core, serve and packets. No diffusion, no torch.
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY limner limner
RUN pip install --no-cache-dir --prefix=/install '.[serve,packets]'

FROM python:3.12-slim
COPY --from=build /install /usr/local
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin limner
USER limner
WORKDIR /
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LIMNER_SERVE_HOST=0.0.0.0 \
    LIMNER_SERVE_PORT=8765
EXPOSE 8765
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['LIMNER_SERVE_PORT'] + '/healthz', timeout=8)"]
ENTRYPOINT ["limner", "serve"]
