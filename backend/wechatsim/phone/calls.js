// The simulator's own calls. An answer that is not 2xx becomes a Refusal with the code of the simulator.
export class Refusal extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

// limit is how long the page waits for the simulator, in milliseconds.
const limit = 8000;

async function call(path, body) {
  const request = { signal: AbortSignal.timeout(limit), headers: { Accept: "application/json" } };
  if (body !== undefined) {
    request.method = "POST";
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  let answer, content;
  try {
    answer = await fetch(path, request);
    content = await answer.json();
  } catch {
    throw new Refusal("unreachable");
  }
  if (!answer.ok) throw new Refusal(content.error);
  return content;
}

export const orders = () => call("orders");
export const scan = (codeURL, payer) => call("scan", { code_url: codeURL, payer });
export const pay = (codeURL, payer) => call("pay", { code_url: codeURL, payer });
export const faults = () => call("faults");
export const setFaults = (all) => call("faults", all);
