// The Runtime API over one kept connection and hand-made HTTP/1.1.
// AWS: docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
//
// A result and the request for the next event leave in one write; the acknowledgement and the event are read in order.
// The connection keeps the process alive only while an event is awaited: while a handler runs, an empty event loop means
// that the handler has nothing left to wait for.

import { connect } from "node:net";

const ROOT = "/2018-06-01/runtime";
const HEAD_END = Buffer.from("\r\n\r\n");
const ACCEPTED = 202;
const MOST_TRAILER = 32768; // characters: of a longer error the message's beginning is told
const TOO_LARGE = 413; // the platform has reported it as Function.ResponseSizeTooLarge: the runtime goes on

export class RuntimeClient {
  #address;
  #socket;
  #next;
  #chunks = [];
  #size = 0;
  #wanted = 0; // bytes without which looking again is in vain
  #streaming = false; // a response's pieces are on their way, and its end is not
  #waiting = []; // who waits for the responses to come, in order

  constructor(address) {
    this.#address = address;
    this.#next = `GET ${ROOT}/invocation/next HTTP/1.1\r\nHost: ${address}\r\n\r\n`;
  }

  /** Ask for an event; `onEvent(headers, body)` gets it and every one after. */
  start(onEvent) {
    this.onEvent = onEvent;
    this.#send(this.#next, () => {}, this.#event);
    this.#waiting.shift();
  }

  /** The handler's result; asks for the next event with it. */
  postResponse(requestId, body) {
    const post = this.#post(`/invocation/${requestId}/response`, body);
    this.#send(post + this.#next, this.#acknowledged, this.#event);
  }

  /** The invocation failed; asks for the next event with it. */
  postError(requestId, error) {
    const post = this.#post(`/invocation/${requestId}/error`, JSON.stringify(error), error.errorType);
    this.#send(post + this.#next, this.#acknowledged, this.#event);
  }

  /** A response in pieces: its head. It ends with `endResponse`; `next` asks for the next event. */
  beginResponse(requestId, contentType) {
    const head =
      `POST ${ROOT}/invocation/${requestId}/response HTTP/1.1\r\nHost: ${this.#address}\r\n` +
      `Content-Type: ${contentType}\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n` +
      "Transfer-Encoding: chunked\r\n" +
      "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n";
    this.#send(head, this.#acknowledged);
    this.#streaming = true;
    this.#socket.unref(); // the handler still runs
  }

  /** `done` when the buffers have been taken. */
  writeResponse(buffers, done) {
    const size = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    if (!size) {
      done();
      return;
    }
    this.#socket.cork();
    this.#socket.write(`${size.toString(16)}\r\n`);
    buffers.forEach((buffer) => this.#socket.write(buffer));
    this.#socket.write("\r\n", done);
    this.#socket.uncork();
  }

  /** `error`, described, if the rest will not come. */
  endResponse(error) {
    const trailers = error === undefined ? "" : trailersOf(error);
    this.#streaming = false;
    this.#socket.write(`0\r\n${trailers}\r\n`);
  }

  next() {
    this.#send(this.#next, this.#event);
  }

  /** The invocation failed and the process will end: resolves when the platform knows. */
  postLastError(requestId, error) {
    if (this.#streaming) return this.#breakOff(error);
    return this.#postLast(`/invocation/${requestId}/error`, error);
  }

  /** The function cannot start: resolves when the platform knows. */
  postInitError(error) {
    return this.#postLast("/init/error", error);
  }

  #breakOff(error) {
    return new Promise((resolve) => {
      if (this.#waiting.length) this.#waiting[0] = resolve; // else it has been refused already
      else resolve();
      this.#socket.ref();
      this.endResponse(error);
    });
  }

  #postLast(path, error) {
    const post = this.#post(path, JSON.stringify(error), error.errorType);
    return new Promise((resolve) => this.#send(post, resolve));
  }

  #post(path, body, errorType) {
    const type = errorType ? `Lambda-Runtime-Function-Error-Type: ${onlyVisible(errorType)}\r\n` : "";
    return (
      `POST ${ROOT}${path} HTTP/1.1\r\nHost: ${this.#address}\r\nContent-Type: application/json\r\n${type}` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
    );
  }

  #send(text, ...waiting) {
    this.#socket ??= this.#connect();
    this.#waiting.push(...waiting);
    this.#socket.ref();
    this.#socket.write(text);
  }

  #connect() {
    const [, host, port] = this.#address.match(/^(.*):(\d+)$/);
    const socket = connect({ host, port: Number(port), noDelay: true });
    socket.on("data", (chunk) => this.#received(chunk));
    socket.on("error", () => process.exit(0)); // the environment is being shut down
    socket.on("close", () => process.exit(0));
    return socket;
  }

  #acknowledged = (status) => {
    if (status === ACCEPTED || status === TOO_LARGE) return;
    process.stderr.write(`The Runtime API refused a result with status ${status}\n`);
    process.exit(1);
  };

  #event = (status, headers, body) => {
    if (status !== 200) {
      process.stderr.write(`The Runtime API answered the request for an event with status ${status}\n`);
      process.exit(1);
    }
    this.#socket.unref();
    queueMicrotask(() => this.onEvent(headers, body)); // keeps these frames out of a handler's stack traces
  };

  #received(chunk) {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#size && this.#size >= this.#wanted && this.#takeResponse());
  }

  /** One whole response to who waits for it; false while there is none. */
  #takeResponse() {
    const data = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    this.#chunks = [data];
    const stop = data.indexOf(HEAD_END);
    if (stop < 0) return false;
    const [first, ...lines] = data.toString("utf8", 0, stop).split("\r\n");
    const headers = Object.fromEntries(lines.map(header));
    const start = stop + HEAD_END.length;
    const end = start + Number(headers["content-length"] ?? 0);
    this.#wanted = end;
    if (data.length < end) return false;
    this.#wanted = 0;
    this.#size = data.length - end;
    this.#chunks = this.#size ? [data.subarray(end)] : [];
    this.#waiting.shift()(Number(first.slice(9, 12)), headers, data.toString("utf8", start, end));
    return true;
  }
}

function header(line) {
  const colon = line.indexOf(":");
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

function trailersOf(error) {
  const encode = (document) => Buffer.from(JSON.stringify(document)).toString("base64");
  let body = encode(error);
  if (body.length > MOST_TRAILER) body = encode({ ...error, errorMessage: error.errorMessage.slice(0, 4096), trace: [] });
  return (
    `Lambda-Runtime-Function-Error-Type: ${onlyVisible(error.errorType)}\r\n` +
    `Lambda-Runtime-Function-Error-Body: ${body}\r\n`
  );
}

function onlyVisible(text) {
  return String(text).replace(/[^\x20-\x7e]/g, "");
}
