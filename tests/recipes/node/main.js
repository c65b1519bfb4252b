// Asks a decision server what to show a customer, and prints one line.
//
// From nothing: install Node 20 or newer (https://nodejs.org), then the packages, and run. The protocol is read when the
// program starts, from the folder PROTO: no code is generated.
//
//   $ npm ci
//   $ PROTO=../../../proto node main.js 127.0.0.1:50051
//
// Variables: CA, CERTIFICATE and KEY (PEM files) for TLS, API_KEY, TRACEPARENT, TIMEOUT_MS.
import { readFileSync } from "node:fs";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

// Calls go in turn to all servers of the name. A call that ends with UNAVAILABLE is tried again, twice at most, within a
// budget: each failure costs 1, and each answer gives 0.1 back.
const SERVICE_CONFIG = {
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: [{ service: "nextbest.v1.DecisionService" }],
      retryPolicy: {
        maxAttempts: 3,
        initialBackoff: "0.01s",
        maxBackoff: "0.1s",
        backoffMultiplier: 2,
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
  ],
  retryThrottling: { maxTokens: 200, tokenRatio: 0.1 },
};

// Of a call, with all its attempts.
const TIMEOUT_MS = Number(process.env.TIMEOUT_MS ?? 1000);

// Whole numbers of 64 bits become text, enums their names.
const definition = protoLoader.loadSync("nextbest/v1/decision.proto", {
  includeDirs: [process.env.PROTO ?? "../../../proto"],
  longs: String,
  enums: String,
  defaults: true,
});
const { DecisionService } = grpc.loadPackageDefinition(definition).nextbest.v1;

// Plain text without CA; with CERTIFICATE and KEY the server also learns who calls.
function security({ CA, CERTIFICATE, KEY }) {
  if (!CA) return grpc.credentials.createInsecure();
  const [certificate, key] = CERTIFICATE ? [CERTIFICATE, KEY].map((path) => readFileSync(path)) : [null, null];
  return grpc.credentials.createSsl(readFileSync(CA), key, certificate);
}

// Who calls, and the trace that the decision joins: your own span, in the form of W3C trace context.
function sentAlong({ API_KEY, TRACEPARENT }) {
  const metadata = new grpc.Metadata();
  if (API_KEY) metadata.set("authorization", `Bearer ${API_KEY}`);
  if (TRACEPARENT) metadata.set("traceparent", TRACEPARENT);
  return metadata;
}

// One client for the whole life of the process; against a server with several cores, a few, each with
// "grpc.use_local_subchannel_pool" so that it has its own connection.
function connect(address) {
  return new DecisionService(address, security(process.env), {
    "grpc.service_config": JSON.stringify(SERVICE_CONFIG),
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 10_000,
    // A server that was restarted is found again within a second, not within two minutes.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1_000,
  });
}

function decide(client, question) {
  return new Promise((resolve, reject) => {
    const deadline = new Date(Date.now() + TIMEOUT_MS);
    const answered = (error, decision) => (error ? reject(error) : resolve(decision));
    client.decide(question, sentAlong(process.env), { deadline }, answered);
  });
}

const QUESTION = {
  channel: "web",
  placements: [{ name: "hero", count: 1 }],
  customer: [
    { name: "age", value: { int: 42 } },
    { name: "income", value: { double: 5200 } },
    { name: "products", value: { strings: { items: [] } } },
  ],
  context: [{ name: "page", value: { string: "cards" } }],
};

// Never fails: a page that gets no decision in time shows what it shows without one.
async function toShow(client, question) {
  try {
    const decision = await decide(client, question);
    const [best] = decision.placements[0].actions;
    if (best === undefined) return "default, nothing fits this customer";
    return `${best.action} (${best.treatment}), priority ${best.score.priority.toFixed(3)}`;
  } catch (error) {
    switch (error.code) {
      case grpc.status.RESOURCE_EXHAUSTED:
        return "default, the server is overloaded: ask less often (RESOURCE_EXHAUSTED)";
      case grpc.status.UNAVAILABLE:
        return "default, no server can be reached (UNAVAILABLE)";
      case grpc.status.DEADLINE_EXCEEDED:
        return "default, no answer came in time (DEADLINE_EXCEEDED)";
      default:
        // INVALID_ARGUMENT names the field that is wrong: correct the program. UNAUTHENTICATED: the key is not known.
        return `default, ${error.message}`;
    }
  }
}

const client = connect(process.argv[2] ?? "127.0.0.1:50051");
console.log(`hero: ${await toShow(client, QUESTION)}`);
client.close();
