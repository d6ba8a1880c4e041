/**
 * What opencode loads as a plugin, as text: it keeps the program's own events as reports, in the form that shell
 * hooks have. Plain JavaScript without dependencies; silent, quick, and content also when its folder is gone.
 *
 * All that it knows of the status is one report, `Status`: two files written within one tick of the clock could not be
 * told apart. A program that was started by the agent inherits the environment, and so this plugin: it keeps quiet.
 */
export const PLUGIN = `import { renameSync, writeFileSync } from "node:fs";

const folder = process.env.AIFLEET_REPORTS;
const mark = folder + ":" + process.pid;
const busy = new Set();
const awaited = new Set();
const children = new Set();
const asked = new Map();
let session = null;
let last = "";

function report(kind, body) {
  try {
    const draft = folder + "/." + kind + "." + process.pid;
    writeFileSync(draft, JSON.stringify(body), { mode: 0o600 });
    renameSync(draft, folder + "/" + kind);
  } catch {
    // Nobody wants to know any more.
  }
}

function say() {
  const [question] = asked.values();
  const status = question !== undefined ? "waiting" : busy.size > 0 ? "working" : "idle";
  const body = { session_id: session, status, question: question?.text ?? null };
  const now = JSON.stringify(body) + [...asked.keys()];
  if (now === last) return;
  last = now;
  report("Status", body);
}

function rest(id) {
  busy.delete(id);
  for (const [key, { of }] of asked) if (of === id) asked.delete(key);
}

function take({ type, properties: about }) {
  const id = about?.sessionID;
  if (type === "session.status") awaited.delete(id);
  if (type === "session.created") {
    const made = id ?? about.info?.id;
    if (about.info?.parentID) children.add(made);
    else session = made ?? session;
    // One is made for a prompt that follows: this is no moment of rest.
    return;
  }
  if (type === "session.status" && about.status?.type !== "idle") busy.add(id);
  else if (type === "session.status" || type === "session.idle" || type === "session.deleted") rest(id ?? about.info?.id);
  else if (type === "permission.asked") {
    const what = about.metadata?.command ?? about.metadata?.filepath ?? about.patterns?.[0];
    asked.set(about.id, { of: id, text: what === undefined ? about.permission + "?" : about.permission + ": " + String(what).split("\\n")[0] });
  } else if (type === "question.asked") asked.set(about.id, { of: id, text: about.questions?.[0]?.question ?? null });
  else if (/^(permission|question)\\.(replied|rejected)$/.test(type)) asked.delete(about.requestID ?? about.permissionID);
  else return;
  say();
}

function prompted({ sessionID }, { parts }) {
  if (children.has(sessionID)) return;
  session = sessionID;
  const prompt = parts.filter((part) => part.type === "text" && !part.synthetic).map((part) => part.text).join("");
  report("UserPromptSubmit", { session_id: session, prompt });
  if (busy.has(sessionID)) return;
  busy.add(sessionID);
  awaited.add(sessionID);
  say();
  // One that no turn follows is a note of another plugin's.
  setTimeout(() => {
    if (!awaited.delete(sessionID)) return;
    busy.delete(sessionID);
    say();
  }, 20000).unref?.();
}

function content(act) {
  return async (...about) => {
    try {
      act(...about);
    } catch {
      // An event of a form that is not known.
    }
  };
}

export const FleetReporter = async () => {
  const other = process.env.AIFLEET_REPORTING ?? "";
  if (!folder || (other.startsWith(folder + ":") && other !== mark)) return {};
  process.env.AIFLEET_REPORTING = mark;
  report("SessionStart", {});
  return { event: content(({ event }) => take(event)), "chat.message": content(prompted) };
};
`;
