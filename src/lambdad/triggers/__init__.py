"""Who pushes: what turns an outside request into Lambda's event, invokes, and turns the answer back.

Function URLs so far. Imports `invocation` and what is below; nothing of the API.
"""
