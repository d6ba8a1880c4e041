import { describe, expect, it } from "vitest";
import { hostContract, hostFilesContract, memoryHost } from "../../src/testing/index.js";

function subject() {
  const host = memoryHost({
    commands: {
      ln: ({ argv }) => {
        host.disk.link(argv[2] ?? "", argv[3] ?? "");
        return {};
      },
      shout: ({ argv, cwd, env, input }) => ({ exitCode: 3, stdout: `${cwd} ${argv[1]} ${env.NAME} ${input}`, stderr: "oh" }),
    },
  });
  host.disk.makeFolder("/a folder");
  return { host, folder: "/a folder" };
}

describe("the files of a host in memory", () => {
  for (const contract of hostFilesContract.cases) it(contract.name, () => contract.run(subject()));
});

describe("a host in memory", () => {
  const names = ["says TOOL_MISSING for a program that is not installed, and names a folder that is not there"];
  names.push("starts nothing when the signal is aborted already");
  const chosen = hostContract.cases.filter(({ name }) => names.includes(name));

  it("is put to the cases that need no real program", () => expect(chosen).toHaveLength(names.length));

  for (const contract of chosen) {
    it(contract.name, async () => {
      const { folder } = subject();
      const sh = async () => {
        await host.files.write(`${folder}/ran`, "x");
        return {};
      };
      const host = memoryHost({ commands: { cat: () => ({}), "/bin/sh": sh } });
      host.disk.makeFolder(folder);
      await contract.run({ host, folder });
    });
  }

  it("runs the functions it was given, with argv, folder, environment and input, and nothing else", async () => {
    const { host, folder } = subject();
    const heard: string[] = [];
    const result = await host.run(["shout", "a b"], {
      cwd: folder,
      env: { NAME: "n" },
      input: "in",
      keepBytes: 4,
      onOutput: (stream, text) => heard.push(`${stream}:${text}`),
    });
    expect(result).toEqual({ exitCode: 3, exitSignal: null, stdout: "n in", stderr: "oh" });
    expect(heard).toEqual(["stdout:/a folder a b n in", "stderr:oh"]);
    await expect(host.open(["cat"])).rejects.toMatchObject({ code: "TOOL_MISSING" });
  });
});
