// How what a command costs grows with the number of agents that are there.
import { childTicks, clean, fleet, makeRepo, median, timed } from "./machine.mjs";
import { sdkList } from "./sdk.mjs";

const SIZES = [1, 10, 50, 100, 300];

/** What is measured at each size: a heading, and milliseconds by it. */
export async function growth(rounds) {
  const repo = makeRepo("growth", 20);
  const rows = [];
  let there = 0;
  for (const agents of SIZES) {
    if (agents > there) fleet(["fanout", String(agents - there), `g${agents}`, "--prompt", "x"], repo);
    there = agents;
    process.stderr.write(`${agents} agents … `);
    const some = `g1-1`;
    const list = times(rounds, () => fleet(["list"], repo));
    const { ours: sdk, theirs: tmux } = await sdkList(repo, rounds * 3);
    const made = [];
    const killed = [];
    for (let n = 0; n <= rounds; n += 1) {
      made.push(measure(() => fleet(["create", `one-more-${n}`], repo)));
      killed.push(measure(() => fleet(["kill", `one-more-${n}`], repo)));
    }
    rows.push({
      agents,
      list: list.wall,
      listCpu: list.cpu,
      sdkList: sdk,
      tmuxCall: tmux,
      create: middle(made).wall,
      createCpu: middle(made).cpu,
      kill: middle(killed).wall,
      killCpu: middle(killed).cpu,
      prompt: times(rounds, () => fleet(["prompt", some, "hello"], repo)).wall,
      logs: times(rounds, () => fleet(["logs", some], repo)).wall,
    });
    process.stderr.write("done\n");
  }
  clean(repo);
  return rows;
}

/** One turn to warm up, then the median of some. */
function times(rounds, work) {
  return middle(Array.from({ length: rounds + 1 }, () => measure(work)));
}

/** Processor time is that of the command and all it waited for; tmux's server is not among these. */
function measure(work) {
  const before = childTicks();
  const wall = timed(work);
  return { wall, cpu: (childTicks() - before) * 10 };
}

function middle([, ...measured]) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  // The system counts processor time by the hundredth of a second: of several such figures the mean says more.
  return { wall: median(measured.map(({ wall }) => wall)), cpu: mean(measured.map(({ cpu }) => cpu)) };
}

export function printGrowth(rows) {
  const columns = [
    ["agents", "agents"],
    ["list", "list"],
    ["listCpu", "its CPU"],
    ["sdkList", "SDK list()"],
    ["tmuxCall", "its tmux call"],
    ["create", "create 1 more"],
    ["createCpu", "its CPU"],
    ["kill", "kill 1"],
    ["killCpu", "its CPU"],
    ["prompt", "prompt 1"],
    ["logs", "logs 1"],
  ];
  console.log("\nHow cost grows with the number of agents, milliseconds (medians; CPU: means):");
  console.log(columns.map(([, heading]) => heading.padStart(heading.length + 2)).join(""));
  for (const row of rows) console.log(columns.map(([key, heading]) => String(Math.round(row[key])).padStart(heading.length + 2)).join(""));
}
