from otel_vector.client import Client as Client
from otel_vector.errors import OtelVectorError as OtelVectorError
from otel_vector.settings.config import Settings as Settings
from otel_vector.wiring import Engine as Engine

__all__ = ["Client", "Engine", "OtelVectorError", "Settings", "__version__"]

__version__: str
