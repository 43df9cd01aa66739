"""Search by meaning: retrieve → rank → group, a file for each step."""

from otel_vector.services.search.question import Restriction, SearchQuestion
from otel_vector.services.search.service import Search

__all__ = ["Restriction", "Search", "SearchQuestion"]
