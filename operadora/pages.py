"""What a browser gets."""

from .misbehaviour import Response


def page(server, path, query, host):
    return Response(b"em breve", content_type="text/plain")
