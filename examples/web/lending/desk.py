"""Who may borrow, and for how long."""

MOST_BOOKS = 2
LOAN_DAYS = 28


class NotLentError(Exception):
    """The rules of the library forbid the loan."""


class Desk:
    """Remembers who has which books."""

    def __init__(self):
        self.loans = {}

    def lend(self, reader, book):
        """Lend a book; return for how many days."""
        held = self.loans.setdefault(reader, [])
        self.check_limit(reader, held)
        held.append(book)
        return self.days_of(book)

    def check_limit(self, reader, held):
        """Refuse readers who have enough books already."""
        if len(held) >= MOST_BOOKS:
            raise NotLentError(f"{reader} has {len(held)} books already and must bring one back")

    def bring_back(self, reader, book):
        """Take a book back."""
        self.loans[reader].remove(book)

    @staticmethod
    def days_of(_book):
        """Return how long a book may be kept."""
        return LOAN_DAYS
