"""A simulated operadora for the demo, the tests and training.

It judges what the addon sends, so it shares nothing with it: only `lxml`, the standard library,
the official XSDs and Tabela 38.
"""

from .message import InvalidAnswer
from .official import MissingSchema
from .operadora import Operadora

__all__ = ["InvalidAnswer", "MissingSchema", "Operadora"]
