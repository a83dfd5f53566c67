"""What a person types. It talks to the server through the public API, like anyone else; only serve.py imports the server."""
