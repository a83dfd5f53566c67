// A handler that streams: `awslambda.streamifyResponse(async (event, responseStream, context) => …)`.
// AWS: docs.aws.amazon.com/lambda/latest/dg/config-rs-write-functions.html
//
// The response leaves piece by piece while the handler runs, no faster than its reader takes it. Nothing leaves before the first
// write: a handler that fails until then fails like any other; later its error travels behind what it has written.

import { Writable } from "node:stream";
import { NodeJsExit, describe, logError } from "./errors.mjs";

const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const HIGH_WATER_MARK = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark");
const HTTP_INTEGRATION = "application/vnd.awslambda.http-integration-response";
const PRELUDE_END = new Uint8Array(8);

/** Does this handler stream its response? */
export function streams(handler) {
  return handler[STREAMING] === "response";
}

/** The global through which a handler says so, and by which it gives an HTTP status and headers ahead of the body. */
export function provideAwslambda() {
  globalThis.awslambda = {
    streamifyResponse(handler, options) {
      handler[STREAMING] = "response";
      if (typeof options?.highWaterMark === "number") handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
      return handler;
    },
    HttpResponseStream: class HttpResponseStream {
      static from(stream, metadata) {
        stream.setContentType(HTTP_INTEGRATION);
        stream.startWith([JSON.stringify(metadata ?? {}), PRELUDE_END]);
        return stream;
      }
    },
  };
}

/** What a handler writes its response to. */
class ResponseStream extends Writable {
  #client;
  #requestId;
  #contentType = "application/octet-stream";
  #first = [];
  begun = false;
  over = false;

  constructor(client, requestId, highWaterMark) {
    super(highWaterMark === undefined ? {} : { highWaterMark });
    this.#client = client;
    this.#requestId = requestId;
  }

  setContentType(contentType) {
    if (this.begun) throw new Error("Cannot set content-type, too late.");
    this.#contentType = String(contentType).replace(/[^\x20-\x7e]/g, "");
  }

  /** What goes ahead of everything that the handler writes. */
  startWith(pieces) {
    this.#first = pieces.map((piece) => Buffer.from(piece));
  }

  write(chunk, ...rest) {
    return super.write(asBytes(chunk), ...rest);
  }

  end(chunk, ...rest) {
    const given = chunk !== undefined && chunk !== null && typeof chunk !== "function";
    return super.end(given ? asBytes(chunk) : chunk, ...rest);
  }

  _write(chunk, encoding, done) {
    this._writev([{ chunk }], done);
  }

  _writev(writes, done) {
    this.#client.writeResponse([...this.#begin(), ...writes.map((write) => write.chunk)], done);
  }

  _final(done) {
    const first = this.#begin();
    if (first.length) this.#client.writeResponse(first, () => {});
    this.#client.endResponse();
    this.over = true;
    done();
  }

  /** The handler has failed midstream. */
  breakOff(error) {
    this.over = true;
    this.#client.endResponse(error);
    this.destroy();
  }

  #begin() {
    if (this.begun) return [];
    this.begun = true;
    this.#client.beginResponse(this.#requestId, this.#contentType);
    return this.#first;
  }
}

/** `finish(whatFailed)` is called once: with nothing when the response is out and the handler is through. */
export function invokeStreaming(runtime, event, context, client, answer) {
  const stream = new ResponseStream(client, context.awsRequestId, runtime.handler[HIGH_WATER_MARK]);
  const fail = (error) => {
    if (stream.begun) answer.leave(() => failMidstream(client, stream, error));
    else answer.fail(error);
  };
  answer.whenIdle(() => fail(new NodeJsExit()));
  stream.on("error", fail);
  const written = new Promise((resolve) => stream.on("finish", resolve));
  try {
    const result = runtime.handleOnce(JSON.parse(event), stream, context);
    if (typeof result?.then !== "function") throw new Error("Streaming does not support non-async handlers.");
    result.then(() => written.then(() => answer.leave(() => client.next())), fail);
  } catch (error) {
    fail(error);
  }
}

function failMidstream(client, stream, error) {
  logError("Invoke Error", error);
  if (!stream.over) stream.breakOff(describe(error));
  client.next();
}

function asBytes(chunk) {
  return typeof chunk === "string" || ArrayBuffer.isView(chunk) ? chunk : JSON.stringify(chunk);
}
