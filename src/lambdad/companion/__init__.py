"""What runs in the companion's own process: moto, with what it does to functions, queues and buses handed to the server.

Started by `services/companion/process.py`, which is all of the server that knows of it. moto takes two seconds to import and
150 MB: it is here so that it is never there.
"""
