// How long one more list() takes in a process that has listed before, beside the one tmux call it makes.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { root } from "../prepare.mjs";
import { env, median, timed } from "./machine.mjs";

export async function sdkList(repo, count) {
  const { Fleet } = await import(join(root, "packages/core/dist/index.js"));
  let call;
  const onCommand = ({ argv }) => {
    if (argv.includes("list-panes")) call = argv;
  };
  const fleet = await Fleet.open({ repo, env, onCommand });
  const a = [];
  const b = [];
  try {
    await fleet.list();
    const [program, ...args] = call;
    for (let n = 0; n < count; n += 1) {
      const began = performance.now();
      await fleet.list();
      a.push(performance.now() - began);
      b.push(timed(() => execFileSync(program, args, { env })));
    }
  } finally {
    await fleet.close();
  }
  return { ratio: median(a.map((value, n) => value / b[n])), ours: median(a), theirs: median(b) };
}
