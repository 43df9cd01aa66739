"""An asyncio worker: takes letters from a queue, typesets them as a stream, and posts them.

Decorators make the spans. A letter is retried while the printer is busy and given up when its
address does not exist; each attempt is a span of its own, with the error code of its exception.

    python examples/worker/worker.py
"""

import asyncio
import itertools
import logging

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from otel_vector import VectorSpanProcessor, trace_span, vectorize

CONSUMERS = 3
TRIES = 4
ADDRESSES = {"Ada": "12 Mill Lane", "Grace": "3 Harbour Street", "Alan": "1 Park Road"}
LETTERS = [
    ("Ada", "Your loom was repaired.\nPlease collect it by Friday."),
    ("Grace", "The parts for your clock have come.\nThey cost less than we feared."),
    ("Charles", "Your engine is ready.\nIt took us a hundred years."),
    ("Alan", "We could not read your last letter.\nPlease send it once more, in plain text."),
]

log = logging.getLogger("post_office")


class PrinterBusyError(Exception):
    """Somebody else prints; trying again helps."""

    error_code = "PRINTER_BUSY"


class UnknownAddressError(Exception):
    """Nobody of that name lives here; trying again does not help."""


class Printer:
    """Prints one line at a time, and every third time it is busy."""

    def __init__(self):
        self.turns = itertools.count(1)

    async def print_line(self, line):
        if next(self.turns) % 3 == 0:
            raise PrinterBusyError(f"another letter is in the printer, not printed: {line}")
        await asyncio.sleep(0.001)


@trace_span(capture_inputs=True, capture_return_value=True)
async def typeset(text):
    """Yield the lines of a letter; its span ends with the last one, and holds them all."""
    for number, line in enumerate(text.splitlines(), start=1):
        await asyncio.sleep(0.001)
        yield f"{number:>2}  {line}"


class PostOffice:
    """Consumers of one queue that share one printer; `self` is never recorded."""

    def __init__(self, letters):
        self.letters = letters
        self.printer = Printer()

    async def consume(self):
        while True:
            reader, text = await self.letters.get()
            try:
                log.info("sent to %s", await self.deliver(reader, text))
            except (PrinterBusyError, UnknownAddressError) as error:
                log.warning("not sent to %s: %s", reader, error)
            finally:
                self.letters.task_done()

    @trace_span(attributes_to_capture=["reader"])
    async def deliver(self, reader, text):
        """Send a letter, with some patience for the printer."""
        for attempt in range(1, TRIES):
            try:
                return await self.send(reader, text)
            except PrinterBusyError:
                trace.get_current_span().add_event("printer busy", {"attempt": attempt})
                await asyncio.sleep(0.005 * 2**attempt)
        return await self.send(reader, text)

    @vectorize(
        search_description="Prints a letter and sends it to its reader.",
        sequence_narrative="Looks the address up, typesets the text, prints it line by line.",
        capture_inputs=True,
        capture_return_value=True,
        team="mail-room",
    )
    async def send(self, reader, text):
        if reader not in ADDRESSES:
            raise UnknownAddressError(f"no address of {reader} is known")
        async for line in typeset(text):
            await self.printer.print_line(line)
        return ADDRESSES[reader]


async def main():
    letters = asyncio.Queue()
    for letter in LETTERS:
        letters.put_nowait(letter)
    office = PostOffice(letters)
    consumers = [asyncio.create_task(office.consume()) for _ in range(CONSUMERS)]
    await letters.join()
    for consumer in consumers:
        consumer.cancel()
    await asyncio.gather(*consumers, return_exceptions=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    provider = TracerProvider(resource=Resource.create({"service.name": "post-office"}))
    provider.add_span_processor(VectorSpanProcessor())
    trace.set_tracer_provider(provider)
    asyncio.run(main())
