"""What it costs to bring a book back late."""

FREE_DAYS = 3
CENTS_A_DAY = 20
MOST_CENTS = 1500


def fee_cents(days_late):
    """Return the fee in cents; some days are forgiven, and it never exceeds a book's price."""
    if days_late < 0:
        raise ValueError("a book cannot be brought back before it was due and late")
    return min(max(days_late - FREE_DAYS, 0) * CENTS_A_DAY, MOST_CENTS)
