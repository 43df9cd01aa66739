import contextlib
import os

from otel_vector import initialize_database, search_executions, vectorize

client = initialize_database()


class PaymentError(Exception):
    def __init__(self, message, error_code):
        super().__init__(message)
        self.error_code = error_code # This attribute is detected.

@vectorize(...)
def process_payment(amount):
    if amount < 0:
        raise PaymentError("Amount < 0", error_code="PAYMENT_NEGATIVE_AMOUNT")


@vectorize(...)
def get_config(key):
    return os.environ[key] # Raises KeyError


@vectorize(...)
def ratio(a, b):
    return a / b


@vectorize(...)
def parse(text):
    return int(text)


for call in (lambda: process_payment(-1), lambda: get_config("NO_SUCH"), lambda: ratio(1, 0)):
    with contextlib.suppress(PaymentError, KeyError, ZeroDivisionError):
        call()
for text in ("one", "two"):
    with contextlib.suppress(ValueError):
        parse(text)

for log in search_executions(filters={"status": "ERROR"}, sort_ascending=True):
    print(log["function_name"], log["status"], log["error_code"])

# Find all failure logs categorized as "INVALID_INPUT"
invalid_logs = search_executions(
    filters={"error_code": "INVALID_INPUT"},
    limit=10
)
print(len(invalid_logs), {log["function_name"] for log in invalid_logs})
