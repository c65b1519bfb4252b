// Asks a decision server what to show a customer, and prints one line.
//
//   PROTO=../../../proto node main.js dns:///decisions:50051
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

// Calls go in turn to all servers of the name. Those that end with UNAVAILABLE are tried again, while fewer than a
// hundred have failed that answers have not made up for, ten for one.
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

// One client for the whole life of the process; against a server with several cores, a few, each with
// "grpc.use_local_subchannel_pool" so that it has a connection of its own.
function connect(address) {
  return new DecisionService(address, grpc.credentials.createInsecure(), {
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
    client.decide(question, { deadline }, (error, decision) => (error ? reject(error) : resolve(decision)));
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
        return "default, the server has too much to do: ask less often (RESOURCE_EXHAUSTED)";
      case grpc.status.UNAVAILABLE:
        return "default, no server can be reached (UNAVAILABLE)";
      case grpc.status.DEADLINE_EXCEEDED:
        return "default, no answer came in time (DEADLINE_EXCEEDED)";
      default:
        // INVALID_ARGUMENT names the field that is wrong: a mistake of ours, which trying again does not mend.
        return `default, ${error.message}`;
    }
  }
}

const client = connect(process.argv[2] ?? "127.0.0.1:50051");
console.log(`hero: ${await toShow(client, QUESTION)}`);
client.close();
