// console.* as Lambda's log: time, request id and level before each message, in text or JSON, from a level upwards.
// AWS: docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html
//
// A message goes to the platform as one frame where there is a descriptor for it (type, length, microseconds, text; all
// big-endian), else as one line of stdout whose inner newlines have become carriage returns.

import { writeSync } from "node:fs";
import { format } from "node:util";

const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const METHODS = { trace: 0, debug: 1, info: 2, log: 2, warn: 3, error: 4, fatal: 5 };
const TEXT_FRAME = 0xa55a0003;
const JSON_FRAME = 0xa55a0002;
const FRAME_HEAD = 16;

// Where AWS's client keeps it, for libraries that look.
const REQUEST_ID = Symbol.for("aws.lambda.runtime.requestId");

let tenantId; // undefined, and then not written, unless the function isolates its tenants

/** Lines written from now on belong to this invocation. */
export function setInvocation(requestId, tenant) {
  globalThis[REQUEST_ID] = requestId;
  tenantId = tenant;
}

export function patchConsole() {
  const json = process.env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === "JSON";
  const least = Math.max(LEVELS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase()), 0);
  const descriptor = process.env._LAMBDA_TELEMETRY_LOG_FD;
  delete process.env._LAMBDA_TELEMETRY_LOG_FD;
  const render = json ? asJson : asText;
  const send = descriptor === undefined ? sendLine : frameSender(Number(descriptor), json);
  for (const [method, level] of Object.entries(METHODS)) {
    const silent = level < least && method !== "fatal";
    console[method] = silent ? () => {} : (...words) => sendNow(render, send, level, words);
  }
}

function sendNow(render, send, level, words) {
  const now = new Date();
  send(render(now.toISOString(), level, words), level, now);
}

function asText(time, level, words) {
  return `${time}\t${globalThis[REQUEST_ID]}\t${LEVELS[level]}\t${format(...words)}`;
}

function asJson(timestamp, level, words) {
  const line = { timestamp, level: LEVELS[level], requestId: globalThis[REQUEST_ID], tenantId };
  if (words.length === 1) {
    line.message = words[0];
    try {
      return JSON.stringify(line, (_, value) => (value instanceof Error ? { ...inFields(value), ...value } : value));
    } catch {
      line.message = format(words[0]);
      return JSON.stringify(line);
    }
  }
  line.message = format(...words);
  const error = words.find((word) => word instanceof Error);
  return JSON.stringify(error ? { ...line, ...inFields(error) } : line);
}

function inFields(error) {
  return {
    errorType: error.constructor?.name ?? "UnknownError",
    errorMessage: error.message,
    stackTrace: typeof error.stack === "string" ? error.stack.split("\n") : error.stack,
  };
}

function sendLine(message) {
  process.stdout.write(`${message.replace(/\n/g, "\r")}\n`);
}

function frameSender(descriptor, json) {
  return (message, level, now) => {
    const text = json ? message : `${message}\n`;
    const frame = Buffer.allocUnsafe(FRAME_HEAD + Buffer.byteLength(text));
    frame.writeUInt32BE(((json ? JSON_FRAME : TEXT_FRAME) | ((level + 1) << 2)) >>> 0, 0);
    frame.writeUInt32BE(frame.length - FRAME_HEAD, 4);
    frame.writeBigInt64BE(BigInt(now.valueOf()) * 1000n, 8);
    frame.write(text, FRAME_HEAD);
    writeWhole(descriptor, frame);
  };
}

/** All of it, even where stdout (of which the descriptor is a copy) has been made non-blocking and is full. */
function writeWhole(descriptor, frame) {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let written = 0; written < frame.length; ) {
    try {
      written += writeSync(descriptor, frame, written);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}
