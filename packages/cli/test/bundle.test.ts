import { describe, expect, it } from "vitest";
import { lazily } from "../build/oclif-in-one-file.js";

describe("oclif's requires", () => {
  it("happen on first use", () => {
    const source = [
      'const a_1 = require("./a");',
      'const b_1 = __importDefault(require("./b"));',
      "exports.f = () => (0, a_1.g)(new a_1.Thing(), b_1.default);",
      "exports.a_1x = obj.a_1;",
    ].join("\n");
    const loaded: string[] = [];
    const modules: Record<string, unknown> = {
      "./a": { g: (thing: object, b: number) => [thing.constructor.name, b], Thing: class Thing {} },
      "./b": 7,
    };
    const exports: { f?: () => unknown } = {};
    new Function("require", "exports", "__importDefault", "obj", lazily(source))(
      (name: string) => {
        loaded.push(name);
        return modules[name];
      },
      exports,
      (value: unknown) => ({ default: value }),
      { a_1: 1 },
    );
    expect(loaded).toEqual([]);
    expect(exports.f?.()).toEqual(["Thing", 7]);
    expect(loaded).toEqual(["./a", "./b"]);
  });
});
