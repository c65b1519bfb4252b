// Asks a decision server what to show a customer, and prints one line.
//
// From nothing: install Java 17 or newer and Maven. Maven fetches the compiler of protocols, generates their code, and
// builds, all in the folder of pom.xml.
//
//   $ sudo apt-get install openjdk-17-jdk maven
//   $ mvn -q compile -Dproto=../../../proto
//   $ mvn -q exec:java -Dproto=../../../proto -Dexec.args=127.0.0.1:50051
//
// Variables: CA, CERTIFICATE and KEY (PEM files) for TLS, API_KEY, TRACEPARENT, TIMEOUT_MS. A key that begins with
// another line than BEGIN PRIVATE KEY is converted by `openssl pkcs8 -topk8 -nodes`.
package nextbest.recipe;

import io.grpc.ChannelCredentials;
import io.grpc.ClientInterceptor;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.stub.MetadataUtils;
import java.io.File;
import java.io.IOException;
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

/** One question. */
public final class Recipe {
  /**
   * Calls go in turn to all servers of the name. A call that ends with UNAVAILABLE is tried again, twice at most, within
   * a budget: each failure costs 1, and each answer gives 0.1 back. Numbers have to be doubles.
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

  public static void main(String[] arguments) throws InterruptedException, IOException {
    String address = arguments.length > 0 ? arguments[0] : "127.0.0.1:50051";
    // One channel for the whole life of the process and all its threads; against a server with several cores, a few.
    ManagedChannel channel = connect(address);
    try {
      System.out.println("hero: " + toShow(DecisionServiceGrpc.newBlockingStub(channel)));
    } finally {
      channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
  }

  /** Plain text without CA; with CERTIFICATE and KEY the server also learns who calls. */
  private static ChannelCredentials security() throws IOException {
    String authority = System.getenv("CA");
    if (authority == null) {
      return InsecureChannelCredentials.create();
    }
    var tls = TlsChannelCredentials.newBuilder().trustManager(new File(authority));
    String certificate = System.getenv("CERTIFICATE");
    if (certificate != null) {
      tls.keyManager(new File(certificate), new File(System.getenv("KEY")));
    }
    return tls.build();
  }

  /** Who calls, and the trace that the decision joins: your own span, in the form of W3C trace context. */
  private static ClientInterceptor sentAlong() {
    Metadata headers = new Metadata();
    String key = System.getenv("API_KEY");
    if (key != null) {
      headers.put(header("authorization"), "Bearer " + key);
    }
    String parent = System.getenv("TRACEPARENT");
    if (parent != null) {
      headers.put(header("traceparent"), parent);
    }
    return MetadataUtils.newAttachHeadersInterceptor(headers);
  }

  private static Metadata.Key<String> header(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }

  private static ManagedChannel connect(String address) throws IOException {
    return Grpc.newChannelBuilder(address, security())
        .defaultServiceConfig(SERVICE_CONFIG)
        .intercept(sentAlong())
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
            "default, the server is overloaded: ask less often (RESOURCE_EXHAUSTED)";
        case UNAVAILABLE -> "default, no server can be reached (UNAVAILABLE)";
        case DEADLINE_EXCEEDED -> "default, no answer came in time (DEADLINE_EXCEEDED)";
        // INVALID_ARGUMENT names the field that is wrong: correct the program. UNAUTHENTICATED: the key is not known.
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
