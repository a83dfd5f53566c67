// From the handler's name (`path/file.export`) to the function: which file, CommonJS or ES module, which export.
// AWS: docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html, lambda-nodejs.html#designate-es-module

import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import {
  CallbackHandlerDeprecated,
  HandlerNotFound,
  ImportModuleError,
  MalformedHandlerName,
  UserCodeSyntaxError,
} from "./errors.mjs";
import { provideAwslambda, streams } from "./response_stream.mjs";

const require = createRequire(new URL("./index.mjs", import.meta.url)); // named in the require stack of messages

/** Node.js 24 and newer: promises only. */
export const CALLBACKS = Number(process.versions.node.split(".")[0]) < 24;

/** The handler function. Throws a Runtime.* error, or what the module itself threw. */
export async function loadHandler(taskRoot, name) {
  provideAwslambda();
  if (name.includes("..")) {
    throw new MalformedHandlerName(
      `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  }
  const base = path.basename(name);
  const folder = name.slice(0, name.indexOf(base));
  const dot = base.indexOf(".");
  if (dot < 0) throw new MalformedHandlerName("Bad handler");
  const module = await loadModule(taskRoot, folder, base.slice(0, dot));
  const handler = base
    .slice(dot + 1)
    .split(".")
    .reduce((value, key) => value && value[key], module);
  if (!handler) throw new HandlerNotFound(`${name} is undefined or not exported`);
  if (typeof handler !== "function") throw new HandlerNotFound(`${name} is not a function`);
  if (!CALLBACKS && !streams(handler) && handler.length >= 3) throw new CallbackHandlerDeprecated();
  return handler;
}

async function loadModule(taskRoot, folder, name) {
  try {
    return await loadFile(path.resolve(taskRoot, folder, name), taskRoot, folder, name);
  } catch (error) {
    if (error instanceof SyntaxError) throw new UserCodeSyntaxError(error);
    if (error?.code === "MODULE_NOT_FOUND") throw new ImportModuleError(error);
    throw error;
  }
}

async function loadFile(file, taskRoot, folder, name) {
  const isModule = inModulePackage(path.dirname(file));
  const asCommonJs = { "": true, ".js": !isModule, ".mjs": false, ".cjs": true };
  if (!CALLBACKS) Object.assign(asCommonJs, { ".ts": !isModule, ".mts": false, ".cts": true });
  for (const [extension, commonJs] of Object.entries(asCommonJs)) {
    if (!isFile(file + extension)) continue;
    return commonJs ? require(file + extension) : await import(pathToFileURL(file + extension));
  }
  return require(require.resolve(name, { paths: [taskRoot, folder] }));
}

/** Is the nearest package.json one of `"type": "module"`? None is looked for above node_modules. */
function inModulePackage(folder) {
  if (folder.endsWith("/node_modules")) return false;
  const file = path.join(folder, "package.json");
  if (existsSync(file)) {
    try {
      return JSON.parse(readFileSync(file)).type === "module";
    } catch (error) {
      console.warn(`${file} cannot be read, it will be ignored for ES module detection purposes.`, error);
      return false;
    }
  }
  return folder === "/" ? false : inModulePackage(path.dirname(folder));
}

function isFile(file) {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}
