"""The loans service: lends books to readers; it asks the catalog service over HTTP.

Nothing in it knows OpenTelemetry or otel-vector. `opentelemetry-instrument` makes spans of its
requests, and `OTEL_VECTOR_INSTRUMENT='lending.**:*'` of its own functions, with what they were
given and what they returned.
"""

import logging
import os

import httpx
from fastapi import FastAPI, HTTPException
from lending.desk import Desk, NotLentError
from lending.fees import fee_cents

CATALOG = os.environ.get("CATALOG_URL", "http://127.0.0.1:8001")

app = FastAPI()
log = logging.getLogger("library.loans")
desk = Desk()


@app.post("/loans/{reader}/{book}")
async def lend(reader: str, book: str):
    try:
        days = desk.lend(reader, book)
    except NotLentError as error:
        log.warning("%s was not lent to %s: %s", book, reader, error)
        raise HTTPException(403, str(error)) from error
    async with httpx.AsyncClient(base_url=CATALOG) as catalog:
        taken = await catalog.post(f"/books/{book}/taken")
    if taken.is_error:
        desk.bring_back(reader, book)
        raise HTTPException(taken.status_code, taken.json()["detail"])
    return {"due_in_days": days}


@app.get("/fees/{days_late}")
def fees(days_late: int):
    return {"cents": fee_cents(days_late)}
