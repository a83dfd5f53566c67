"""What a failed invocation returns when the platform, not the function, has to say why.

Types and wording are AWS's (docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html,
docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html). A function's own error document passes through
untouched and never comes here.
"""

import signal
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from lambdad.sandbox.driver import Exit

# Signals by the words AWS's supervisor prints (it is a Go program: these are Go's names).
_SIGNALS: dict[int, str] = {
    signal.SIGHUP: "hangup",
    signal.SIGINT: "interrupt",
    signal.SIGQUIT: "quit",
    signal.SIGILL: "illegal instruction",
    signal.SIGTRAP: "trace/breakpoint trap",
    signal.SIGABRT: "aborted",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "floating point exception",
    signal.SIGKILL: "killed",
    signal.SIGUSR1: "user defined signal 1",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGUSR2: "user defined signal 2",
    signal.SIGPIPE: "broken pipe",
    signal.SIGALRM: "alarm clock",
    signal.SIGTERM: "terminated",
    signal.SIGSYS: "bad system call",
}


_TRUNCATED = "Runtime.TruncatedResponse"


@dataclass(frozen=True, slots=True)
class FunctionError:
    """A value, never raised: what the caller of a failed invocation gets, and what the REPORT line says of it."""

    payload: bytes
    error_type: str | None
    """For the REPORT line; None where AWS prints none."""
    status: str = "error"
    """`error` or `timeout`."""
    log_line: str | None = None
    """What the platform writes into the function's log about it."""
    from_function: bool = False
    """The function says so itself, in the trailers of a streamed response."""


def document_of(error_type: str, message: str) -> bytes:
    return orjson.dumps({"errorType": error_type, "errorMessage": message})


def timed_out(request_id: str, timeout: int, now: float) -> FunctionError:
    """`timeout` in seconds; `now` in seconds since the epoch."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    message = f"{stamp} {request_id} Task timed out after {timeout:.2f} seconds"
    return FunctionError(orjson.dumps({"errorMessage": message}), None, "timeout", f"{message}\n\n")


def exited(request_id: str, how: Exit, midstream: bool = False) -> FunctionError:
    """The runtime process ended without an answer, or without the whole of it."""
    if how.oom:
        error_type, reason = "Runtime.OutOfMemory", "Runtime exited with error: signal: killed"
    elif how.exec_errno is not None:
        return invalid_entrypoint(request_id, how.exec_errno)
    elif how.signal is not None:
        error_type, reason = "Runtime.ExitError", f"Runtime exited with error: {_signal(how.signal)}"
    elif how.code:
        error_type, reason = "Runtime.ExitError", f"Runtime exited with error: exit status {how.code}"
    else:
        error_type, reason = "Runtime.ExitError", "Runtime exited without providing a reason"
    message = f"RequestId: {request_id} Error: {reason}"
    document = document_of(_TRUNCATED if midstream else error_type, message)
    return FunctionError(document, error_type, log_line=f"{message}\n{error_type}\n")


def _signal(number: int) -> str:
    return f"signal: {_SIGNALS.get(number, f'signal {number}')}"


def extension_failed(request_id: str, error_type: str, reason: str) -> FunctionError:
    """An extension ended, by itself or after it said why; or it could not be started."""
    message = f"RequestId: {request_id} Error: {reason}"
    return FunctionError(document_of(error_type, message), error_type, log_line=f"{message}\n{error_type}\n")


def extension_end(name: str, how: Exit) -> str:
    """The reason, as AWS words it."""
    if how.exec_errno is not None:
        return f"fork/exec /opt/extensions/{name}: {_EXEC.get(how.exec_errno, how.exec_errno)}"
    if how.signal is not None:
        return _signal(how.signal)
    return f"exit status {how.code}" if how.code else "exit code 0"


def invalid_entrypoint(request_id: str, reason: str) -> FunctionError:
    """There is nothing to execute, or the kernel refused to (`reason`: an errno's name, e.g. ENOENT)."""
    message = f"RequestId: {request_id} Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
    if reason != "ENOENT":
        message = f"RequestId: {request_id} Error: fork/exec /var/task/bootstrap: {_EXEC.get(reason, reason)}"
    error_type = "Runtime.InvalidEntrypoint"
    return FunctionError(document_of(error_type, message), error_type, log_line=f"{message}\n{error_type}\n")


def described(error: FunctionError) -> str:
    """In one sentence; the document may be the function's own, and so anything."""
    try:
        message = orjson.loads(error.payload).get("errorMessage")
    except (ValueError, AttributeError):
        message = None
    text = message if isinstance(message, str) and message else "The function could not be initialized."
    text = text.removeprefix("RequestId:  ")  # there was none
    return f"{error.error_type}: {text}"[:_MOST_WORDS] if error.error_type else text[:_MOST_WORDS]


_MOST_WORDS = 1000
"""Characters of a version's StateReason."""

_EXEC = {
    "EACCES": "permission denied",
    "ENOENT": "no such file or directory",
    "ENOEXEC": "exec format error",
    "ENOTDIR": "not a directory",
}


def response_too_large(size: int, limit: int) -> FunctionError:
    """Both in bytes. The environment goes on: only the answer is refused."""
    error_type = "Function.ResponseSizeTooLarge"
    message = f"Response payload size ({size} bytes) exceeded maximum allowed payload size ({limit} bytes)."
    return FunctionError(document_of(error_type, message), error_type, log_line=f"{message}\n")


def truncated_response() -> FunctionError:
    """A streamed response broke off, and the runtime goes on."""
    message = "The response of the function was not complete when its runtime closed the connection."
    return FunctionError(document_of(_TRUNCATED, message), _TRUNCATED, log_line=f"{message}\n")


def runtime_not_installed(explanation: str) -> FunctionError:
    """AWS has no such case: the type is ours, in its style."""
    error_type = "Runtime.NotInstalled"
    return FunctionError(document_of(error_type, explanation), error_type, log_line=f"{explanation}\n")
