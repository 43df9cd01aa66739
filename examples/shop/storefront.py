"""The storefront: the service customers talk to; it asks inventory and payments."""

import os

import httpx
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from opentelemetry import trace
from pydantic import BaseModel

INVENTORY = os.environ["INVENTORY_URL"]
PAYMENTS = os.environ["PAYMENTS_URL"]
BANK_TIMEOUT_S = 0.5

app = FastAPI()
tracer = trace.get_tracer("shop.storefront")
orders: dict[str, str] = {}


class Checkout(BaseModel):
    """An order as a customer sends it."""

    order_id: str
    sku: str
    quantity: int
    card: str
    currency: str = "EUR"


@app.get("/products/{sku}")
def show_product(sku: str):
    return passed_on(httpx.get(f"{INVENTORY}/products/{sku}"))


@app.get("/orders/{order_id}")
def order_status(order_id: str):
    if order_id not in orders:
        return JSONResponse({"detail": f"no order {order_id}"}, status_code=404)
    return {"order_id": order_id, "status": orders[order_id]}


@app.post("/checkout")
def checkout(order: Checkout):
    with tracer.start_as_current_span("place order") as span:
        span.set_attribute("order.id", order.order_id)
        orders[order.order_id] = "being placed"
        answer = place(order)
        orders[order.order_id] = "paid" if answer.is_success else "failed"
        return passed_on(answer)


def place(order):
    reserved = httpx.post(
        f"{INVENTORY}/reservations",
        json={"order_id": order.order_id, "sku": order.sku, "quantity": order.quantity},
    )
    if reserved.is_error:
        return reserved
    product = httpx.get(f"{INVENTORY}/products/{order.sku}").json()
    return httpx.post(
        f"{PAYMENTS}/charges",
        json={
            "order_id": order.order_id,
            "card": order.card,
            "cents": product["cents"] * order.quantity,
            "currency": order.currency,
        },
        timeout=BANK_TIMEOUT_S,
    )


def passed_on(answer):
    """Return another service's answer as ours."""
    try:
        content = answer.json()
    except ValueError:
        content = {"detail": answer.text}
    return JSONResponse(content, status_code=answer.status_code)
