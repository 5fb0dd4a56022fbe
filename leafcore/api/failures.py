"""How the API answers a failure: one form, and the words that the command line and the pages use."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from leafcore.errors import LeafError, as_leaf_error


class Failing(BaseModel):
    """What went wrong."""

    code: str = Field(description="A word that programs compare.")
    message: str = Field(description="A sentence for a person, the same on every face.")


class Refusal(BaseModel):
    """The one form in which every failure is answered."""

    error: Failing = Field(
        examples=[{"code": "config", "message": "count: got 0, expected greater than or equal to 1. Pictures to make."}]
    )


def failure(code: str, message: str, status: int) -> JSONResponse:
    """Return the one form in which every failure is answered."""
    return JSONResponse({"error": {"code": code, "message": message}}, status)


def add_failures(api: FastAPI) -> None:
    """Answer every failure of ours, the router's and the disk's with one line; a fault of ours stays a fault."""
    api.add_exception_handler(LeafError, _leaf_error)
    api.add_exception_handler(RequestValidationError, _validation_error)
    api.add_exception_handler(HTTPException, _http_error)
    api.add_exception_handler(OSError, _os_error)


async def _leaf_error(request: Request, error: Exception) -> JSONResponse:
    del request
    assert isinstance(error, LeafError)
    return failure(error.code, str(error), error.http_status)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    """Answer what the router refuses: an unknown path, a wrong method."""
    assert isinstance(error, HTTPException)
    code = "not_found" if error.status_code == 404 else "http"
    return failure(code, f"{request.method} {request.url.path}: {error.detail}.", error.status_code)


async def _os_error(request: Request, error: Exception) -> JSONResponse:
    """Answer a full disk or one that may not be written; anything else is a fault of ours."""
    known = as_leaf_error(error)
    if known is None:
        raise error
    return await _leaf_error(request, known)


async def _validation_error(request: Request, error: Exception) -> JSONResponse:
    del request
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return failure("config", f"{where}: {first['msg']}", 422)
