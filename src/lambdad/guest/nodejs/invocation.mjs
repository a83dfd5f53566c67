// One invocation after the other: the context, and every way in which a handler may finish.
// AWS: docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html, nodejs-context.html
//
// Up to Node.js 22 a handler finishes by a promise, by its callback, by context.succeed/fail/done, or, when it is no async
// function, by leaving the event loop empty. From Node.js 24 on: by its value or promise.

import { setInvocation } from "./console.mjs";
import { NodeJsExit, describe, logError } from "./errors.mjs";
import { CALLBACKS } from "./loader.mjs";
import { invokeStreaming, streams } from "./response_stream.mjs";

const W3C_FIELDS = ["traceparent", "tracestate", "baggage"];

/** Calls the handler as AWS's runtime does: of its own, so that traces of errors begin with `Runtime.handler`. */
class Runtime {
  constructor(handler) {
    this.handler = handler;
  }

  handleOnce(...given) {
    return this.handler(...given);
  }
}

/** Ask for events and give each to `handler`. `fatal.report` tells the platform why the process is about to end. */
export function serve(client, handler, fatal) {
  let whenIdle = () => {};
  process.on("beforeExit", () => whenIdle());
  const setWhenIdle = (action) => (whenIdle = action);
  const buffered = CALLBACKS ? invokeWithCallback : invokeForValue;
  const streaming = (runtime, body, headers, answer) =>
    invokeStreaming(runtime, body, contextOf(headers), client, answer);
  const invoke = streams(handler) ? streaming : buffered;
  const runtime = new Runtime(handler);
  client.start((headers, body) => {
    const requestId = headers["lambda-runtime-aws-request-id"];
    setInvocation(requestId, headers["lambda-runtime-aws-tenant-id"]);
    setTrace(headers["lambda-runtime-trace-id"]);
    fatal.report = (error) => client.postLastError(requestId, describe(error));
    const atEnd = () => {
      whenIdle = () => {};
      fatal.report = () => {}; // there is no invocation whose error it could be
    };
    invoke(runtime, body, headers, new Answer(client, requestId, setWhenIdle, atEnd));
  });
}

/** The one answer of an invocation: the first counts. */
class Answer {
  #client;
  #requestId;
  #atEnd;
  #given = false;

  /** `whenIdle(action)`: do it once the handler has nothing left to wait for. */
  constructor(client, requestId, whenIdle, atEnd) {
    this.#client = client;
    this.#requestId = requestId;
    this.whenIdle = whenIdle;
    this.#atEnd = atEnd;
  }

  succeed(result) {
    if (this.#given) return;
    let body;
    try {
      body = JSON.stringify(result === undefined ? null : result) ?? "null";
    } catch {
      this.fail(new Error("Unable to stringify response body"));
      return;
    }
    this.#give(() => this.#client.postResponse(this.#requestId, body));
  }

  fail(error) {
    if (this.#given) return;
    logError("Invoke Error", error);
    this.#give(() => this.#client.postError(this.#requestId, describe(error)));
  }

  /** It has been given piece by piece: `post` what is left to be said. */
  leave(post) {
    if (!this.#given) this.#give(post);
  }

  #give(post) {
    this.#given = true;
    this.#atEnd();
    post();
  }
}

function invokeForValue(runtime, body, headers, answer) {
  answer.whenIdle(() => answer.fail(new NodeJsExit()));
  try {
    const context = { ...contextOf(headers), w3c: w3cOf(headers) };
    Promise.resolve(runtime.handleOnce(JSON.parse(body), context)).then(
      (result) => answer.succeed(result),
      (error) => answer.fail(error),
    );
  } catch (error) {
    answer.fail(error);
  }
}

function invokeWithCallback(runtime, body, headers, answer) {
  const isAsync = runtime.handler.constructor?.name === "AsyncFunction";
  answer.whenIdle(() => (isAsync ? answer.fail(new NodeJsExit()) : answer.succeed(null)));
  const ways = waysToFinish(answer);
  try {
    const context = Object.assign(ways.context, contextOf(headers));
    const result = runtime.handleOnce(JSON.parse(body), context, ways.callback);
    if (typeof result?.then === "function") result.then(context.succeed, context.fail);
  } catch (error) {
    ways.callback(error);
  }
}

/** The callback, and its older siblings on the context. Whichever is called first decides. */
function waysToFinish(answer) {
  let called = false;
  const once = (action) => (...results) => {
    if (called) return;
    called = true;
    action(...results);
  };
  const done = once((error, result) => (isNothing(error) ? answer.succeed(result) : answer.fail(error)));
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    succeed: (result) => done(null, result),
    fail: (error) => done(isNothing(error) ? "handled" : error),
    done,
  };
  const callback = once((error, result) => {
    if (!isNothing(error)) answer.fail(error);
    else if (!context.callbackWaitsForEmptyEventLoop) answer.succeed(result);
    else answer.whenIdle(() => answer.succeed(result));
  });
  return { callback, context };
}

function contextOf(headers) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  return {
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parsed(headers["lambda-runtime-client-context"], "ClientContext"),
    identity: parsed(headers["lambda-runtime-cognito-identity"], "CognitoIdentity"),
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    tenantId: headers["lambda-runtime-aws-tenant-id"],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

/** The W3C trace context the caller sent along. */
function w3cOf(headers) {
  const given = parsed(headers["lambda-runtime-client-context"], "ClientContext")?.w3c ?? {};
  const fields = W3C_FIELDS.filter((name) => typeof given[name] === "string").map((name) => [name, given[name]]);
  return () => Object.fromEntries(fields);
}

function parsed(text, name) {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot parse ${name} as json: ${error}`);
  }
}

function setTrace(traceId) {
  if (traceId) process.env._X_AMZN_TRACE_ID = traceId;
  else delete process.env._X_AMZN_TRACE_ID;
}

function isNothing(value) {
  return value === undefined || value === null;
}
