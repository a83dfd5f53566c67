"""AWS_LAMBDA_EXEC_WRAPPER: the function's own program that starts the runtime process.

AWS: docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html#runtime-wrapper. A managed runtime's start calls it with
the runtime's command line as its arguments.
"""

from collections.abc import Mapping

# $0 is the wrapper. Words and exit codes are those of AWS's own start script.
_SCRIPT = (
    'if [ ! -f "$0" ]; then echo "$0: does not exist"; exit 127; fi; '
    'if [ ! -x "$0" ]; then echo "$0: is not an executable"; exit 126; fi; '
    'exec "$0" "$@"'
)


def wrapped(argv: tuple[str, ...], environment: Mapping[str, str]) -> tuple[str, ...]:
    wrapper = environment.get("AWS_LAMBDA_EXEC_WRAPPER")
    return ("/bin/sh", "-c", _SCRIPT, wrapper, *argv) if wrapper else argv
