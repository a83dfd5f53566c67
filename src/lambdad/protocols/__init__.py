"""AWS's protocols over AWS's service models: bytes to members and back, for Lambda and for the services beside it."""
