"""``limner serve``: the HTTP service and its page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limner.serve.settings import MB, Access, Bounds, Long, Settings, SettingsError

PREFIX = "LIMNER_SERVE_"
DEFAULTS = Settings()


def var(name: str) -> str:
    """The environment variable that an option is also read from."""
    return PREFIX + name


def serve(
    host: Annotated[str, typer.Option(envvar=var("HOST"), help="Address; 0.0.0.0 for all.")] = DEFAULTS.host,
    port: Annotated[int, typer.Option(envvar=var("PORT"), help="0: any that is free.")] = DEFAULTS.port,
    workers: Annotated[int, typer.Option(envvar=var("WORKERS"), help="Processes that do the work.")] = DEFAULTS.workers,
    threads: Annotated[int, typer.Option(envvar=var("THREADS"), help="Of each; 0: they share the cores.")] = DEFAULTS.threads,
    queue: Annotated[int, typer.Option(envvar=var("QUEUE"), help="Requests that may wait; more get 429.")] = DEFAULTS.queue,
    max_upload_mb: Annotated[
        int, typer.Option(envvar=var("MAX_UPLOAD_MB"), help="Of a body.")
    ] = DEFAULTS.bounds.upload_bytes // MB,
    max_pixels: Annotated[int, typer.Option(envvar=var("MAX_PIXELS"), help="Of a picture.")] = DEFAULTS.bounds.pixels,
    time_limit: Annotated[
        float, typer.Option(envvar=var("TIME_LIMIT"), help="Seconds of work on a request.")
    ] = DEFAULTS.bounds.time_s,
    body_time: Annotated[
        float, typer.Option(envvar=var("BODY_TIME"), help="Seconds that a body may take to come.")
    ] = DEFAULTS.bounds.body_s,
    idle_time: Annotated[
        float, typer.Option(envvar=var("IDLE_TIME"), help="Seconds of silence within a body.")
    ] = DEFAULTS.bounds.idle_s,
    memory_mb: Annotated[
        int, typer.Option(envvar=var("MEMORY_MB"), help="Of a worker; 0: no limit.")
    ] = DEFAULTS.bounds.memory_bytes // MB,
    held_mb: Annotated[
        int, typer.Option(envvar=var("HELD_MB"), help="Of all bodies that are held at once.")
    ] = DEFAULTS.bounds.held_bytes // MB,
    painters: Annotated[
        int, typer.Option(envvar=var("PAINTERS"), help="Processes for jobs, begun when needed.")
    ] = DEFAULTS.long.painters,
    jobs: Annotated[int, typer.Option(envvar=var("JOBS"), help="Jobs that may wait.")] = DEFAULTS.long.waiting,
    jobs_kept: Annotated[int, typer.Option(envvar=var("JOBS_KEPT"), help="Finished jobs that are kept.")] = DEFAULTS.long.kept,
    jobs_kept_for: Annotated[
        float, typer.Option(envvar=var("JOBS_KEPT_FOR"), help="Seconds that they are kept.")
    ] = DEFAULTS.long.kept_s,
    job_time: Annotated[float, typer.Option(envvar=var("JOB_TIME"), help="Seconds of a job.")] = DEFAULTS.long.time_s,
    job_memory_mb: Annotated[
        int, typer.Option(envvar=var("JOB_MEMORY_MB"), help="Of a process for jobs; 0: no limit.")
    ] = DEFAULTS.long.memory_bytes // MB,
    grace: Annotated[
        float, typer.Option(envvar=var("GRACE"), help="Seconds for requests under way when the service ends.")
    ] = DEFAULTS.grace_s,
    api_key_file: Annotated[
        Path | None,
        typer.Option(
            envvar=var("API_KEY_FILE"),
            help=f"File with the key that clients must send; or set {PREFIX}API_KEY.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(envvar=var("ALLOW_ORIGIN"), help="Pages there may use the service (CORS).", show_default=False),
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(envvar=var("ALLOW_HOST"), help="Names it may be called by.", show_default=False)
    ] = None,
    describer: Annotated[
        str,
        typer.Option(
            envvar=var("DESCRIBER"),
            help="Who describes pictures: local:WEIGHTS, invert:WEIGHTS or an address.",
            show_default=False,
        ),
    ] = "",
    describer_model: Annotated[
        str, typer.Option(envvar=var("DESCRIBER_MODEL"), help="Model behind that address.")
    ] = DEFAULTS.describer_model,
    access_log: Annotated[bool, typer.Option("--access-log", envvar=var("ACCESS_LOG"), help="Tell every request.")] = False,
) -> None:
    """Serve the HTTP API and the page.

    Only this machine can reach it unless --host says otherwise. Every option can be set by a variable: LIMNER_SERVE_PORT=80.
    """
    from limner.extras import need

    for module in ("fastapi", "uvicorn", "python_multipart"):
        need(module, extra="serve")
    try:
        settings = Settings(
            host=host,
            port=port,
            workers=workers,
            queue=queue,
            threads=threads,
            grace_s=grace,
            bounds=Bounds(max_upload_mb * MB, idle_time, body_time, max_pixels, time_limit, memory_mb * MB, held_mb * MB),
            long=Long(painters, jobs, jobs_kept, jobs_kept_for, job_time, job_memory_mb * MB),
            access=Access(api_key(api_key_file), words(allow_origin), words(allow_host)),
            describer=describer,
            describer_model=describer_model,
        )
    except SettingsError as error:
        raise typer.BadParameter(str(error)) from error
    run(settings, access_log=access_log)


def api_key(file: Path | None) -> str:
    """The key in a file, else that of the environment. Not an option: the options of a process can be seen by others."""
    import os

    return os.environ.get(var("API_KEY"), "") if file is None else file.read_text("utf-8").strip()


def words(given: list[str] | None) -> tuple[str, ...]:
    return tuple(word for text in given or [] for word in text.split())


def run(settings: Settings, *, access_log: bool) -> None:
    """Serve until told to stop. Exit code 0 for an end that was asked for by SIGTERM, 130 by an interrupt."""
    import logging
    import signal

    from limner.serve.server import server

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # What of a form cannot be read is answered; nobody needs to read of it.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    if not settings.is_loopback and not settings.access.api_key:
        typer.echo("warning: everybody who reaches this address may use the service: set a key (--api-key-file)", err=True)
    # What uvicorn hands on when it has ended in order.
    before = signal.signal(signal.SIGTERM, leave)
    try:
        server(settings, tell, access_log=access_log).run()
    finally:
        signal.signal(signal.SIGTERM, before)


def leave(number: int, frame: object) -> None:
    raise SystemExit(0)


def tell(address: str) -> None:
    """Say where the service is, once it answers."""
    typer.echo(f"limner serves {address}", err=True)
