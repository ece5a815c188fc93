"""The HTTP service and its page, and a client for it. Importing this imports nothing.

    request -> access, limits -> routes -> pool -> worker process -> limner.api
                                       \\-> jobs -> another pool: diffusion, with progress and an end on demand

The front reads no picture: bytes go to a worker through a pipe, and bytes come back. A worker that dies takes one request
along.
"""
