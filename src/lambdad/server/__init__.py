"""The composition root, the only room that knows every part: `process.py`, `server.py`, `state.py`, `identities.py`, `doors.py`."""
