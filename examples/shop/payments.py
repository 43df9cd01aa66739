"""The payments service: asks a bank, which declines some cards and is slow for others."""

import logging
import time

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from opentelemetry import trace
from pydantic import BaseModel

EURO_RATES = {"EUR": 1.0, "USD": 1.09, "GBP": 0.86}
SLOW_BANK_S = 1.5

app = FastAPI()
tracer = trace.get_tracer("shop.payments")
log = logging.getLogger("shop.payments")


class CardDeclinedError(Exception):
    """The bank does not pay."""


class Charge(BaseModel):
    """What is to be paid, with which card."""

    order_id: str
    card: str
    cents: int
    currency: str


@app.exception_handler(CardDeclinedError)
async def refuse(_request, error):
    return JSONResponse({"detail": str(error)}, status_code=402)


@app.post("/charges")
def charge(order: Charge):
    with tracer.start_as_current_span("charge card") as span:
        span.set_attribute("order.id", order.order_id)
        span.set_attribute("payment.currency", order.currency)
        euros = order.cents / 100 / EURO_RATES[order.currency]
        authorize(order, euros)
    return {"charged": round(euros, 2)}


def authorize(order, euros):
    with tracer.start_as_current_span("bank authorize") as span:
        span.set_attribute("payment.amount_eur", round(euros, 2))
        if order.card.endswith("0002"):
            log.warning("bank declined the card of order %s", order.order_id)
            raise CardDeclinedError("card declined by issuing bank: insufficient funds")
        if order.card.endswith("0119"):
            raise CardDeclinedError("card declined: expired")
        if order.card.endswith("0341"):
            time.sleep(SLOW_BANK_S)
