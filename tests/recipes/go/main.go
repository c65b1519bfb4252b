// Asks a decision server what to show a customer, and prints one line.
//
// From nothing: install Go 1.26 or newer (https://go.dev/doc/install) and the compiler of protocols, then generate
// the code of the protocol, build, and run.
//
//	$ sudo apt-get install protobuf-compiler
//	$ sh generate.sh ../../../proto
//	$ go build -o recipe .
//	$ ./recipe 127.0.0.1:50051
//
// Variables: CA, CERTIFICATE and KEY (PEM files) for TLS, API_KEY, TRACEPARENT, TIMEOUT_MS.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	nextbest "nextbest.example/recipe/nextbest/v1"
)

// Calls go in turn to all servers of the name. A call that ends with UNAVAILABLE is tried again, twice at most, within a
// budget: each failure costs 1, and each answer gives 0.1 back.
const serviceConfig = `{
	"loadBalancingConfig": [{"round_robin": {}}],
	"methodConfig": [{
		"name": [{"service": "nextbest.v1.DecisionService"}],
		"retryPolicy": {
			"maxAttempts": 3,
			"initialBackoff": "0.01s",
			"maxBackoff": "0.1s",
			"backoffMultiplier": 2,
			"retryableStatusCodes": ["UNAVAILABLE"]
		}
	}],
	"retryThrottling": {"maxTokens": 200, "tokenRatio": 0.1}
}`

// Of a call, with all its attempts.
func timeout() time.Duration {
	if ms, err := strconv.Atoi(os.Getenv("TIMEOUT_MS")); err == nil {
		return time.Duration(ms) * time.Millisecond
	}
	return time.Second
}

func main() {
	address := "127.0.0.1:50051"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	// One connection a client, for its whole life and for all goroutines; against a server with several cores, a few.
	connection, err := connect(address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	defer connection.Close()

	ctx, cancel := context.WithTimeout(context.Background(), timeout())
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, sentAlong()...)
	decision, err := nextbest.NewDecisionServiceClient(connection).Decide(ctx, question())
	fmt.Println("hero: " + toShow(decision, err))
}

// Who calls, and the trace that the decision joins: your own span, in the form of W3C trace context.
func sentAlong() []string {
	var pairs []string
	if key := os.Getenv("API_KEY"); key != "" {
		pairs = append(pairs, "authorization", "Bearer "+key)
	}
	if parent := os.Getenv("TRACEPARENT"); parent != "" {
		pairs = append(pairs, "traceparent", parent)
	}
	return pairs
}

// Plain text without CA; with CERTIFICATE and KEY the server also learns who calls.
func security() (credentials.TransportCredentials, error) {
	authority := os.Getenv("CA")
	if authority == "" {
		return insecure.NewCredentials(), nil
	}
	pem, err := os.ReadFile(authority)
	if err != nil {
		return nil, err
	}
	settings := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS13}
	if !settings.RootCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New(authority + " has no certificate")
	}
	if certificate := os.Getenv("CERTIFICATE"); certificate != "" {
		own, err := tls.LoadX509KeyPair(certificate, os.Getenv("KEY"))
		if err != nil {
			return nil, err
		}
		settings.Certificates = []tls.Certificate{own}
	}
	return credentials.NewTLS(settings), nil
}

func connect(address string) (*grpc.ClientConn, error) {
	transport, err := security()
	if err != nil {
		return nil, err
	}
	return grpc.NewClient(address,
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
		// A server that was restarted is found again within a second, not within two minutes.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
	)
}

func question() *nextbest.DecideRequest {
	return &nextbest.DecideRequest{
		Channel:    "web",
		Placements: []*nextbest.PlacementRequest{{Name: "hero", Count: 1}},
		Customer: []*nextbest.Attribute{
			{Name: "age", Value: &nextbest.Value{Kind: &nextbest.Value_Int{Int: 42}}},
			{Name: "income", Value: &nextbest.Value{Kind: &nextbest.Value_Double{Double: 5200}}},
			{Name: "products", Value: &nextbest.Value{Kind: &nextbest.Value_Strings{Strings: &nextbest.StringList{}}}},
		},
		Context: []*nextbest.Attribute{
			{Name: "page", Value: &nextbest.Value{Kind: &nextbest.Value_String_{String_: "cards"}}},
		},
	}
}

// toShow never fails: a page that gets no decision in time shows what it shows without one.
func toShow(decision *nextbest.DecideResponse, err error) string {
	switch status.Code(err) {
	case codes.OK:
	case codes.ResourceExhausted:
		return "default, the server is overloaded: ask less often (RESOURCE_EXHAUSTED)"
	case codes.Unavailable:
		return "default, no server can be reached (UNAVAILABLE)"
	case codes.DeadlineExceeded:
		return "default, no answer came in time (DEADLINE_EXCEEDED)"
	default:
		// INVALID_ARGUMENT names the field that is wrong: correct the program. UNAUTHENTICATED: the key is not known.
		return "default, " + err.Error()
	}
	actions := decision.GetPlacements()[0].GetActions()
	if len(actions) == 0 {
		return "default, nothing fits this customer"
	}
	best := actions[0]
	return fmt.Sprintf("%s (%s), priority %.3f", best.GetAction(), best.GetTreatment(), best.GetScore().GetPriority())
}
