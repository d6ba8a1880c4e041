// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pieces of code.
const test = "packages/cli/test/faults/own-world.test.ts";

export default [
  {
    what: "the fleet's tmux server reads its own settings",
    file: "packages/core/src/drivers/session/client.ts",
    replace: '"-f", confFile, "-S"',
    by: '"-f", confFile.replace(".ai_fleet/tmux.conf", ".tmux.conf"), "-S"',
    test,
    name: "the user's own world",
  },
  {
    what: "no file system monitor of the user's is asked",
    file: "packages/core/src/drivers/git/environment.ts",
    replace: '["core.fsmonitor", "false"]',
    by: '["core.ignoreStat", "false"]',
    test,
    name: "the user's own world",
  },
  {
    what: "git's variables around the call lead nowhere",
    file: "packages/core/src/drivers/git/environment.ts",
    replace: "if (!/^GIT_/i.test(name)) env[name] = value;",
    by: "env[name] = value;",
    test,
    name: "the user's own world",
  },
  {
    what: "an agent has the umask of the command that made it",
    file: "packages/core/src/drivers/session/spec-file.ts",
    replace: "...(umask === null ? [] : [`umask ${umask}`]),",
    by: "",
    test,
    name: "the user's own world",
  },
];
