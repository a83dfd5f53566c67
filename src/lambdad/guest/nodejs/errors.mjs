// The runtime's own errors, and how any thrown value is told to the platform and written to the log.
// AWS: docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html

import { types } from "node:util";

const OWN = /^    at .*(\/var\/runtime\/|node:internal|node:events)/;

class RuntimeError extends Error {
  get name() {
    return `Runtime.${this.constructor.name}`;
  }
}

export class ImportModuleError extends RuntimeError {}
export class HandlerNotFound extends RuntimeError {}
export class MalformedHandlerName extends RuntimeError {}
export class UserCodeSyntaxError extends RuntimeError {}

export class CallbackHandlerDeprecated extends RuntimeError {
  constructor() {
    super(
      "ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. " +
        "You need to modify this function to use a supported handler signature to use Node.js 24 or later. " +
        "For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.",
    );
  }
}

export class NodeJsExit extends RuntimeError {
  constructor() {
    super(
      "The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise " +
        "that was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes",
    );
  }
}

export class UnhandledPromiseRejection extends RuntimeError {
  constructor(reason, promise) {
    super(reason);
    this.reason = reason;
    this.promise = promise;
  }
}

/** The error document of an invocation or an init: {errorType, errorMessage, trace}. */
export function describe(error) {
  try {
    if (types.isNativeError(error) || isLikeError(error)) {
      return { errorType: error.name, errorMessage: error.message, trace: traceOf(error) };
    }
    return { errorType: typeof error, errorMessage: error.toString(), trace: [] };
  } catch {
    return {
      errorType: "handled",
      errorMessage:
        "callback called with Error argument, but there was a problem while retrieving one or more of its message, " +
        "name, and stack",
    };
  }
}

/** As AWS's: what called the handler is named, and nothing of the runtime below it. */
function traceOf(error) {
  const lines = error.stack.split("\n");
  const called = lines.findIndex((line) => line.startsWith("    at Runtime.handleOnce "));
  return called < 0 ? lines : lines.filter((line, number) => number <= called || !OWN.test(line));
}

/** `Invoke Error \t{"errorType":…}` in text, the error itself as message in JSON. */
export function logError(words, thrown) {
  const error = thrown instanceof Error ? thrown : new Error(thrown);
  if (process.env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === "JSON") console.error(error);
  else console.error(words, `\t${inOneLine(error)}`);
}

function inOneLine(error) {
  try {
    return JSON.stringify(error, (_, value) => (value instanceof Error ? withItsProperties(value) : value));
  } catch {
    return JSON.stringify(describe(error));
  }
}

function withItsProperties(error) {
  const shown = { errorType: error.name, errorMessage: error.message, code: error.code, ...error };
  if (typeof error.stack === "string") shown.stack = traceOf(error);
  return shown;
}

function isLikeError(value) {
  return ["name", "message", "stack"].every((key) => value?.[key] && typeof value[key] === "string");
}
