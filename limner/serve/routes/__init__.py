"""The routes, by what they are about. Each is thin: a body is read, a worker asked, an answer made."""
