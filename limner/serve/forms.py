"""Bodies of requests: pictures and files, in multipart or as they are.

Nothing is written to disk, and no file's name is used.
"""

from __future__ import annotations

from typing import TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from limner.serve.problems import Refused

LIMN = "image/x-limn"
OCTETS = "application/octet-stream"
MULTIPART = "multipart/form-data"
JSON = "application/json"
MOST_FIELDS = 32
MOST_FIELD_BYTES = 1 << 20

Fields = TypeVar("Fields", bound=BaseModel)
Schema = dict[str, object]


async def form_of(request: Request, file: str, model: type[Fields]) -> tuple[bytes, Fields]:
    """The bytes of the one file, and the other fields. Raises Refused, RequestValidationError."""
    if kind_of(request) != MULTIPART:
        raise Refused("media-type", f"send {MULTIPART}, with the field {file}")
    try:
        parser = MultiPartParser(
            request.headers, request.stream(), max_files=1, max_fields=MOST_FIELDS, max_part_size=MOST_FIELD_BYTES
        )
        # 0: however large, it stays in memory. How large is limited before it gets here.
        parser.spool_max_size = 0
        form = await parser.parse()
    except MultiPartException as error:
        raise Refused("bad-request", error.message) from error
    except (KeyError, ValueError) as error:
        raise Refused("bad-request", "the form cannot be read") from error
    try:
        found, texts = parted(form.multi_items(), file)
        return await found.read(), validated(model, texts)
    finally:
        await form.close()


def parted(given: list[tuple[str, UploadFile | str]], file: str) -> tuple[UploadFile, dict[str, str]]:
    """The one file of a form, and its other fields. Raises RequestValidationError."""
    names = [name for name, _ in given]
    files = {name: value for name, value in given if isinstance(value, UploadFile)}
    faults = [fault(name, "is given twice") for name in sorted({name for name in names if names.count(name) > 1})]
    faults += [fault(name, "is no file") for name in files if name != file]
    if file not in files:
        faults.append(fault(file, "a file is expected: a part with a file name"))
    if faults:
        raise RequestValidationError(faults)
    return files[file], {name: value for name, value in given if isinstance(value, str)}


async def blob_of(request: Request, *kinds: str) -> bytes:
    """A body as it is, or the file ``blob`` of a form. Raises Refused."""
    kind = kind_of(request)
    if kind == MULTIPART and MULTIPART in kinds:
        blob, _ = await form_of(request, "blob", Nothing)
        return blob
    if kind not in kinds:
        raise Refused("media-type", f"send {' or '.join(kinds)}")
    return await request.body()


class Nothing(BaseModel):
    """No fields."""

    model_config = {"extra": "forbid"}


def kind_of(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def validated(model: type[Fields], given: dict[str, str]) -> Fields:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_context=False, include_input=False)) from error


def fault(name: str, detail: str) -> dict[str, object]:
    return {"loc": (name,), "msg": detail, "type": "value_error"}


# --- for the OpenAPI


def form_schema(file: str, model: type[BaseModel], what: str) -> Schema:
    """The schema of a form with one file."""
    made = model.model_json_schema()
    properties = {file: {"type": "string", "format": "binary", "description": what}, **made.get("properties", {})}
    return {"type": "object", "required": [file], "properties": properties, "additionalProperties": False}


def form_body(file: str, model: type[BaseModel], what: str) -> Schema:
    content = {MULTIPART: {"schema": form_schema(file, model, what)}}
    return {"requestBody": {"required": True, "content": content}}


def blob_body() -> Schema:
    """A file of ours: as it is, or in a form."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    content = {OCTETS: binary, LIMN: binary, MULTIPART: {"schema": form_schema("blob", Nothing, "A file of limner.")}}
    return {"requestBody": {"required": True, "content": content}}


def picture_body() -> Schema:
    """A picture in a form."""
    return form_body("image", Nothing, "A picture: JPEG, PNG, WebP, AVIF, TIFF, GIF ...")


def json_body(model: type[BaseModel]) -> Schema:
    return {"requestBody": {"required": True, "content": {JSON: {"schema": model.model_json_schema()}}}}
