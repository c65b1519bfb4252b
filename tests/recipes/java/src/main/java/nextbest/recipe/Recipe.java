package nextbest.recipe;

import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import nextbest.v1.CustomerOuterClass.Attribute;
import nextbest.v1.CustomerOuterClass.StringList;
import nextbest.v1.CustomerOuterClass.Value;
import nextbest.v1.Decision.DecideRequest;
import nextbest.v1.Decision.DecideResponse;
import nextbest.v1.Decision.PlacementRequest;
import nextbest.v1.DecisionServiceGrpc;
import nextbest.v1.DecisionServiceGrpc.DecisionServiceBlockingStub;

/**
 * Asks a decision server what to show a customer, and prints one line.
 *
 * <pre>mvn -q compile exec:java -Dexec.args=dns:///decisions:50051</pre>
 */
public final class Recipe {
  /**
   * Calls go in turn to all servers of the name. Those that end with UNAVAILABLE are tried again, while fewer than a
   * hundred have failed that answers have not made up for, ten for one. Numbers have to be doubles.
   */
  private static final Map<String, ?> SERVICE_CONFIG =
      Map.of(
          "loadBalancingConfig", List.of(Map.of("round_robin", Map.of())),
          "methodConfig",
              List.of(
                  Map.of(
                      "name", List.of(Map.of("service", DecisionServiceGrpc.SERVICE_NAME)),
                      "retryPolicy",
                          Map.of(
                              "maxAttempts", 3.0,
                              "initialBackoff", "0.01s",
                              "maxBackoff", "0.1s",
                              "backoffMultiplier", 2.0,
                              "retryableStatusCodes", List.of("UNAVAILABLE")))),
          "retryThrottling", Map.of("maxTokens", 200.0, "tokenRatio", 0.1));

  /** Of a call, with all its attempts. The first call of a JVM loads classes meanwhile. */
  private static final long TIMEOUT_MS =
      Long.parseLong(System.getenv().getOrDefault("TIMEOUT_MS", "1000"));

  private Recipe() {}

  public static void main(String[] arguments) throws InterruptedException {
    String address = arguments.length > 0 ? arguments[0] : "127.0.0.1:50051";
    // One channel for the whole life of the process and all its threads; against a server with several cores, a few.
    ManagedChannel channel = connect(address);
    try {
      System.out.println("hero: " + toShow(DecisionServiceGrpc.newBlockingStub(channel)));
    } finally {
      channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
  }

  private static ManagedChannel connect(String address) {
    return Grpc.newChannelBuilder(address, InsecureChannelCredentials.create())
        .defaultServiceConfig(SERVICE_CONFIG)
        .enableRetry()
        .keepAliveTime(30, TimeUnit.SECONDS)
        .keepAliveTimeout(10, TimeUnit.SECONDS)
        .build();
  }

  private static DecideRequest question() {
    return DecideRequest.newBuilder()
        .setChannel("web")
        .addPlacements(PlacementRequest.newBuilder().setName("hero").setCount(1))
        .addCustomer(attribute("age", Value.newBuilder().setInt(42)))
        .addCustomer(attribute("income", Value.newBuilder().setDouble(5200)))
        .addCustomer(attribute("products", Value.newBuilder().setStrings(StringList.getDefaultInstance())))
        .addContext(attribute("page", Value.newBuilder().setString("cards")))
        .build();
  }

  private static Attribute attribute(String name, Value.Builder value) {
    return Attribute.newBuilder().setName(name).setValue(value).build();
  }

  /** Never fails: a page that gets no decision in time shows what it shows without one. */
  private static String toShow(DecisionServiceBlockingStub decisions) {
    DecideResponse decision;
    try {
      decision = decisions.withDeadlineAfter(TIMEOUT_MS, TimeUnit.MILLISECONDS).decide(question());
    } catch (StatusRuntimeException error) {
      return switch (error.getStatus().getCode()) {
        case RESOURCE_EXHAUSTED ->
            "default, the server has too much to do: ask less often (RESOURCE_EXHAUSTED)";
        case UNAVAILABLE -> "default, no server can be reached (UNAVAILABLE)";
        case DEADLINE_EXCEEDED -> "default, no answer came in time (DEADLINE_EXCEEDED)";
        // INVALID_ARGUMENT names the field that is wrong: a mistake of ours, which trying again does not mend.
        default -> "default, " + error.getMessage();
      };
    }
    var actions = decision.getPlacements(0).getActionsList();
    if (actions.isEmpty()) {
      return "default, nothing fits this customer";
    }
    var best = actions.get(0);
    return String.format(
        Locale.ROOT, "%s (%s), priority %.3f", best.getAction(), best.getTreatment(), best.getScore().getPriority());
  }
}
