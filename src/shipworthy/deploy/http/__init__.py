"""The gateway: a bare ASGI callable and its own pooled upstream client."""
