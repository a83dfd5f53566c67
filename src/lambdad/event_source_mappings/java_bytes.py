"""Bytes as AWS's pollers write them into JSON: a list of signed numbers."""


def java_bytes(value: bytes | bytearray) -> list[int]:
    return [one - 256 if one > 127 else one for one in value]
