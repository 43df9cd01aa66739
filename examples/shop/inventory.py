"""The inventory service: what is in stock, in a SQLite database."""

import sqlite3

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from opentelemetry import trace
from pydantic import BaseModel

SHELVES = [
    ("kettle", "Stainless steel kettle", 3900, 100_000),
    ("teapot", "Hand-painted teapot", 5400, 100_000),
    ("mug", "Enamel camping mug", 1200, 100_000),
    ("grinder", "Burr coffee grinder", 8900, 3),
    ("gift-card", "Gift card", 2500, 100_000),
]

app = FastAPI()
tracer = trace.get_tracer("shop.inventory")
database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
database.execute("CREATE TABLE stock (sku TEXT PRIMARY KEY, title TEXT, cents INT, left INT)")
database.executemany("INSERT INTO stock VALUES (?, ?, ?, ?)", SHELVES)


class OutOfStockError(Exception):
    """Fewer are left than were asked for."""


class Reservation(BaseModel):
    """How many of one article an order wants."""

    order_id: str
    sku: str
    quantity: int


@app.exception_handler(OutOfStockError)
async def refuse(_request, error):
    return JSONResponse({"detail": str(error)}, status_code=409)


@app.get("/products/{sku}")
def product(sku: str):
    row = query("SELECT sku, title, cents FROM stock WHERE sku = ?", (sku,))
    if row is None:
        return JSONResponse({"detail": f"no product {sku}"}, status_code=404)
    return dict(zip(("sku", "title", "cents"), row, strict=True))


@app.post("/reservations")
def reserve(reservation: Reservation):
    with tracer.start_as_current_span("reserve stock") as span:
        span.set_attribute("order.id", reservation.order_id)
        span.set_attribute("product.sku", reservation.sku)
        take_from_shelf(reservation)
    return {"reserved": reservation.quantity}


def take_from_shelf(reservation):
    sku, wanted = reservation.sku, reservation.quantity
    (left,) = query("SELECT left FROM stock WHERE sku = ?", (sku,)) or (0,)
    if left < wanted:
        raise OutOfStockError(f"{sku} is sold out: {left} left, {wanted} wanted")
    query("UPDATE stock SET left = left - ? WHERE sku = ? RETURNING left", (wanted, sku))


def query(statement, values):
    """Return the first row. A cursor of its own per call: each is a span of the database."""
    cursor = database.cursor()
    cursor.execute(statement, values)
    return cursor.fetchone()
