"""The one HTTP/1.1 server: front door, Runtime API, function URLs, console."""
