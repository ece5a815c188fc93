"""Jobs that paint by diffusion, with a tiny model in place of the published one: steps, an end on demand, a picture."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

for module in ("httpx2", "fastapi", "torch", "diffusers", "transformers"):
    pytest.importorskip(module)

from PIL import Image  # noqa: E402
from services import LIMN, form, served  # noqa: E402

from limner.serve.settings import Settings  # noqa: E402


@pytest.fixture(scope="module")
def painting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of a service that has weights for pic."""
    import httpx2
    from tiny_diffusion import save_base, save_tiny_vae

    weights = tmp_path_factory.mktemp("weights")
    save_base(weights / "sd-turbo")
    save_tiny_vae(weights / "taesd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIMNER_WEIGHTS", str(weights))
        patch.setenv("HF_HUB_OFFLINE", "1")
        with served(Settings(port=0, workers=1, threads=1)) as live, httpx2.Client(base_url=live.url, timeout=600) as client:
            yield client


def test_a_picture_is_painted_step_by_step(painting: Any, picture: bytes) -> None:
    found = {one["name"]: one for one in painting.get("/v1/systems").json()["systems"]}
    assert found["pic"]["paints"] and not found["pics"]["paints"] and found["pic"]["diffusion"]
    blob = painting.post("/v1/encode", **form(picture, system="pic", settings="fast", caption="a hill")).content
    place = painting.post("/v1/jobs/decode", content=blob, headers=LIMN).headers["location"]
    with painting.stream("GET", f"{place}/events") as stream:
        lines = [line for line in stream.iter_lines() if line.startswith("data: ")]
    assert '"state":"done"' in lines[-1] and any('"step":4,"steps":4' in line for line in lines)
    answer = painting.get(f"{place}/result")
    assert answer.headers["x-limner-detail"] == "may be invented"
    with Image.open(io.BytesIO(answer.content)) as painted:
        assert painted.size == (160, 120) and painted.info["limner:system"] == "pic"


def test_a_painting_is_ended_and_the_painter_goes_on(painting: Any, picture: bytes) -> None:
    blob = painting.post("/v1/encode", **form(picture, system="pic", settings="fast", caption="a hill")).content
    place = painting.post("/v1/jobs/decode", content=blob, headers=LIMN).headers["location"]
    with painting.stream("GET", f"{place}/events") as stream:
        next(line for line in stream.iter_lines() if '"state":"running"' in line)
    assert painting.delete(place).status_code == 204
    assert painting.get(place).status_code == 404
    place = painting.post("/v1/jobs/decode", content=blob, headers=LIMN).headers["location"]
    with painting.stream("GET", f"{place}/events") as stream:
        assert '"state":"done"' in list(stream.iter_lines())[-2]
    assert 'limner_worker_ends_total{pool="painters"' not in painting.get("/metrics").text


def test_what_is_not_here_is_said(painting: Any, picture: bytes) -> None:
    blob = painting.post("/v1/encode", **form(picture, system="pics", caption="a hill")).content
    place = painting.post("/v1/jobs/decode", content=blob, headers=LIMN).headers["location"]
    painting.get(f"{place}/events")
    refused = painting.get(f"{place}/result")
    assert refused.status_code == 501 and "controlnet-hed-sd21" in refused.json()["detail"]
    assert str(Path.home()) not in refused.text and "/tmp" not in refused.text
