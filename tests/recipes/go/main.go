// Asks a decision server what to show a customer, and prints one line.
//
//	go run . dns:///decisions:50051
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	nextbest "nextbest.example/recipe/nextbest/v1"
)

// Calls go in turn to all servers of the name. Those that end with UNAVAILABLE are tried again, while fewer than a
// hundred have failed that answers have not made up for, ten for one.
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
	decision, err := nextbest.NewDecisionServiceClient(connection).Decide(ctx, question())
	fmt.Println("hero: " + toShow(decision, err))
}

func connect(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
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
		return "default, the server has too much to do: ask less often (RESOURCE_EXHAUSTED)"
	case codes.Unavailable:
		return "default, no server can be reached (UNAVAILABLE)"
	case codes.DeadlineExceeded:
		return "default, no answer came in time (DEADLINE_EXCEEDED)"
	default:
		// INVALID_ARGUMENT names the field that is wrong: a mistake of ours, which trying again does not mend.
		return "default, " + err.Error()
	}
	actions := decision.GetPlacements()[0].GetActions()
	if len(actions) == 0 {
		return "default, nothing fits this customer"
	}
	best := actions[0]
	return fmt.Sprintf("%s (%s), priority %.3f", best.GetAction(), best.GetTreatment(), best.GetScore().GetPriority())
}
