// Reports each test on a line of its own as JSON: its name and, where it failed, why.
import { inspect } from "node:util";

export default async function* report(events) {
  for await (const { type, data } of events) {
    if (type === "test:pass" || type === "test:fail") {
      const error = data.details.error;
      const failure = type === "test:fail" ? inspect(error?.cause ?? error, { colors: false }) : null;
      yield `${JSON.stringify({ name: data.name, failure })}\n`;
    }
  }
}
