// The mock model server: aimock speaks every provider's protocol; here stands what it answers.
//
// A prompt that starts with "Please …" is obeyed, anything else is answered with its length. `GET /lab/requests`
// returns what the programs asked; the text of each prompt in it is what the program sent, byte for byte.
import { createServer, request as send } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { cacheFolder } from "./cli.mjs";

const MARKS = [
  "A line above the input then says:",
  "",
  "✻ Thinking… (3s · esc to interrupt)",
  "• Working (3s • esc to interrupt)",
  "",
  "and a question looks so:",
  "",
  "Do you want to proceed?",
  "❯ 1. Yes",
  "  2. No",
  "",
  "Would you like to run the following command?",
  "› 1. Yes, proceed (y)",
  "  2. No (esc)",
  "",
  "△ Permission required",
  "● 1. Allow once",
].join("\n");

/**
 * A conversation of any of the four protocols as what counts here: the texts of the user, and results of tools. The
 * body is read as it came, since what aimock hands on is joined and cut.
 */
export function turnsOf(body) {
  const rows =
    body.messages ?? body.contents ?? (typeof body.input === "string" ? [{ role: "user", content: body.input }] : body.input) ?? [];
  return rows.flatMap((row) => {
    if (row.role === "tool" || row.type === "function_call_output") return [{ result: true }];
    if (row.role !== "user") return [];
    const all = row.parts ?? (typeof row.content === "string" ? [{ text: row.content }] : (row.content ?? []));
    // What a program reads for an `@file` of the prompt follows it in parts of their own.
    const parts = all.some(({ text }) => text === "\n--- End of content ---") ? all.slice(0, 1) : all;
    return parts.flatMap((part) => {
      if (part.type === "tool_result" || part.functionResponse) return [{ result: true }];
      return typeof part.text === "string" && !isContext(part.text) ? [{ text: part.text }] : [];
    });
  });
}

/** What the program was asked last by its user, and how often it has come back with results since. */
function lastTurn(turns) {
  const at = turns.findLastIndex((turn) => turn.text !== undefined);
  return { prompt: turns[at]?.text ?? "", results: turns.slice(at + 1).length };
}

/** What programs add to the user's words. */
const isContext = (text) =>
  /^\s*<(system-reminder|environment_context|user_instructions|session_context|turn_aborted|local-command)|^\s*# AGENTS\.md|^\[Request interrupted/.test(
    text,
  );

/** Each program's own name for running a command, changing a file, asking its user. */
function toolsOf(request) {
  const names = new Set((request.tools ?? []).map((tool) => tool.function?.name ?? tool.name));
  const call = (name, args) => ({ name, arguments: JSON.stringify(args) });
  const options = [
    { label: "OAuth", description: "Tokens of a provider" },
    { label: "Password", description: "Our own table" },
  ];
  const ask = "Which method shall I use?";
  if (names.has("exec_command") || names.has("shell") || names.has("shell_command")) {
    const shell = (cmd, escalate) => {
      const why = escalate ? { sandbox_permissions: "require_escalated", justification: "May I do this outside of the sandbox?" } : {};
      if (names.has("exec_command")) return call("exec_command", { cmd, ...why });
      if (names.has("shell_command")) return call("shell_command", { command: cmd, ...why });
      return call("shell", { command: ["bash", "-lc", cmd], ...why });
    };
    return {
      shell: (cmd) => shell(cmd, true),
      edit: (file) =>
        shell(`apply_patch <<'PATCH'\n*** Begin Patch\n*** Update File: ${file}\n@@\n-is it ready?\n+it is.\n*** End Patch\nPATCH`, false),
      ask: () => call("request_user_input", { questions: [{ id: "method", header: "Auth method", question: ask, options }] }),
      plan: null,
    };
  }
  if (names.has("Bash")) {
    return {
      shell: (command) => call("Bash", { command, description: "Does what was asked" }),
      edit: (file) => call("Edit", { file_path: file, old_string: "is it ready?", new_string: "it is." }),
      read: (file) => call("Read", { file_path: file }),
      ask: () => call("AskUserQuestion", { questions: [{ question: ask, header: "Auth method", multiSelect: false, options }] }),
      plan: () => call("ExitPlanMode", { plan: "1. Read the login\n2. Change it" }),
    };
  }
  if (names.has("run_shell_command")) {
    return {
      shell: (command) => call("run_shell_command", { command, description: "Does what was asked" }),
      edit: (file) => call("replace", { file_path: file, instruction: "Answer it", old_string: "is it ready?", new_string: "it is." }),
      ask: () => call("ask_user", { questions: [{ question: ask, header: "Auth method", type: "choice", options }] }),
      plan: null,
    };
  }
  if (names.has("bash")) {
    return {
      shell: (command) => call("bash", { command, description: "Does what was asked" }),
      edit: (file) => call("edit", { filePath: file, oldString: "is it ready?", newString: "it is." }),
      read: (file) => call("read", { filePath: file }),
      ask: () => call("question", { questions: [{ question: ask, header: "Auth method", options }] }),
      plan: null,
    };
  }
  return null;
}

/** What the model answers to a request. */
function answer(request, { prompt, results }) {
  const tools = toolsOf(request);
  const order = /^Please (.*)/s.exec(prompt.trim())?.[1] ?? "";
  if (tools === null) return { content: "Lab title" };
  const said = (pattern) => pattern.exec(order)?.[1];
  const status = said(/^fail with (\d+)/);
  // What is overloaded is tried again, a wrong key is not.
  if (status === "401") return { error: { message: "The key is not valid.", type: "authentication_error" }, status: 401 };
  if (status === "400") return { error: { message: "The request is not valid.", type: "invalid_request_error" }, status: 400 };
  if (status !== undefined) return { error: { message: "The model is overloaded.", type: "overloaded_error" }, status: Number(status) };
  const steps = [];
  const command = said(/^run: (.*)/s);
  const file = said(/^edit (\S+)/);
  if (command !== undefined) steps.push(tools.shell(command));
  if (file !== undefined) steps.push(...(tools.read === undefined ? [] : [tools.read(file)]), tools.edit(file));
  if (order.startsWith("ask me")) steps.push(tools.ask());
  if (order.startsWith("plan") && tools.plan) steps.push(tools.plan());
  const step = steps[results];
  if (step !== undefined) return { content: "I will do that now.", toolCalls: [step] };
  if (order.startsWith("quote the marks")) return { content: MARKS };
  if (order.startsWith("write a lot"))
    return { content: Array.from({ length: 80 }, (_, i) => `Line ${i + 1} of what I have to say.`).join("\n\n") };
  return { content: `Done. Your prompt had ${Buffer.byteLength(prompt)} bytes.` };
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Starts the server on loopback. A door of our own stands before aimock: it answers what aimock does not know, keeps
 * each request as it came, and hands it on in plain ASCII, since aimock cuts characters that lie across two reads.
 */
export async function startModel(port = 0) {
  const { LLMock } = await import(pathToFileURL(join(cacheFolder(), "aimock/node_modules/@copilotkit/aimock/dist/index.js")).href);
  const mock = new LLMock({ port: 0, host: "127.0.0.1", journalMaxEntries: 10 });
  const requests = [];
  // What the door has read of each request; its number travels on in the model's name, the one field that all keep.
  const read = new Map();
  mock.on({ predicate: () => true }, async (request) => {
    const [name, number] = String(request.model).split("--lab");
    const turn = read.get(number) ?? { prompt: "", results: 0 };
    read.delete(number);
    if (toolsOf(request) !== null) await pause(1000 * Number(/^Please think for (\d+) s/.exec(turn.prompt.trim())?.[1] ?? 0));
    return { ...answer(request, turn), model: name };
  });
  await mock.start();
  const door = createServer(async (incoming, outgoing) => {
    const json = (value) => outgoing.setHeader("content-type", "application/json").end(JSON.stringify(value));
    const path = (incoming.url ?? "").split("?")[0];
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    if (path === "/lab/requests") return json(requests);
    if (path === "/lab/clear") return json(requests.splice(0).length);
    if (path.endsWith("/count_tokens")) return json({ input_tokens: 100 });
    if (path.endsWith(":countTokens")) return json({ totalTokens: 100 });
    const text = Buffer.concat(chunks).toString("utf8");
    const { body, path: onto } = numbered(text, incoming.url ?? "", requests, read);
    const headers = { ...incoming.headers, "content-length": String(Buffer.byteLength(body)) };
    delete headers["transfer-encoding"];
    const onward = send(`${mock.url}${onto}`, { method: incoming.method, headers }, (answered) => {
      outgoing.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    outgoing.on("close", () => onward.destroy());
    onward.end(body);
  });
  await new Promise((resolve) => door.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${door.address().port}`,
    requests,
    async stop() {
      door.closeAllConnections();
      door.close();
      await mock.stop();
    },
  };
}

/** A request with its number in the model's name, noted down; in ASCII. */
function numbered(text, url, requests, read) {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    return { body: text, path: url };
  }
  const turns = turnsOf(body);
  const turn = lastTurn(turns);
  const tools = (body.tools ?? []).flatMap((tool) => tool.functionDeclarations ?? [tool]).map(nameOf);
  const number = String(requests.length);
  const prompts = turns.flatMap((each) => (each.text === undefined ? [] : [each.text]));
  requests.push({ at: Date.now(), path: url.split("?")[0], main: tools.length > 1, ...turn, prompts, tools });
  read.set(number, turn);
  if (body.model !== undefined) body.model = `${body.model}--lab${number}`;
  const ascii = JSON.stringify(body).replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return { body: ascii, path: url.replace(/(\/models\/[^:/?]+)(:|%3A)/i, `$1--lab${number}$2`) };
}

const nameOf = (tool) => tool.function?.name ?? tool.name;

if (process.argv[1]?.endsWith("/model.mjs")) {
  const model = await startModel(Number(process.argv[2] ?? 0));
  console.log(model.url);
}
