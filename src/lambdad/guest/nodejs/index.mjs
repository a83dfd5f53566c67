// The Node.js runtime process: /var/runtime/index.mjs, as on AWS.
//
// Started ahead (LAMBDAD_PRESTART_FD is set), it loads what it needs and waits on that descriptor for its environment;
// executed, it finds its environment in place. Then both load the handler and serve it.
// AWS: docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html

import { readFileSync, closeSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { RuntimeClient } from "./client.mjs";
import { patchConsole } from "./console.mjs";
import { UnhandledPromiseRejection, describe, logError } from "./errors.mjs";
import { serve } from "./invocation.mjs";
import { CALLBACKS, loadHandler } from "./loader.mjs";

const require = createRequire(import.meta.url);
// What handlers and AWS's SDK load before anything of their own.
const PRELOADED = ["assert", "child_process", "crypto", "dns", "http", "https", "os", "stream", "tls", "url", "zlib"];

/** Wait for the function's environment (a JSON object of strings, to end of file), then take it on. */
function becomeFunction(descriptor) {
  PRELOADED.forEach((name) => require(`node:${name}`));
  const environment = JSON.parse(readFileSync(descriptor, "utf8"));
  closeSync(descriptor);
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, environment);
  process.chdir(environment.LAMBDA_TASK_ROOT);
  Module._initPaths(); // NODE_PATH was read when the interpreter started
}

/** What ends the process is said in the log and to the platform first; each invocation puts its own `report` in place. */
function watchForFatalErrors(client) {
  const fatal = { report: (error) => client.postInitError(describe(error)) };
  const end = async (words, error, code) => {
    logError(words, error);
    await fatal.report(error);
    process.exit(code);
  };
  process.on("uncaughtException", (error) => end("Uncaught Exception", error, 129));
  process.on("unhandledRejection", (reason, promise) =>
    end("Unhandled Promise Rejection", new UnhandledPromiseRejection(reason, promise), 128),
  );
  return { fatal, end };
}

async function start() {
  patchConsole();
  const client = new RuntimeClient(process.env.AWS_LAMBDA_RUNTIME_API);
  const { fatal, end } = watchForFatalErrors(client);
  let handler;
  try {
    handler = await loadHandler(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
  } catch (error) {
    await end(CALLBACKS ? "Uncaught Exception" : "Init Error", error, 129);
  }
  serve(client, handler, fatal);
}

if (process.env.LAMBDAD_PRESTART_FD) becomeFunction(Number(process.env.LAMBDAD_PRESTART_FD));
await start();
