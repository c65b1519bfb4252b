// Calls a unary method at a fixed rate, whatever has been answered, until standard input ends; then it prints how the
// calls ended, as JSON. Every server address is given to each connection, which takes the servers in turn (round_robin).
//
//	caller -servers 127.0.0.1:50051,127.0.0.1:50061 -connections 4 -rate 300 -request question.bin < /dev/zero
//
// There is no retry policy. The default of grpc-go stays: a call that no server has begun to process (it was
// never sent, or a GOAWAY reports it) is sent again.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"
)

var (
	servers     = flag.String("servers", "", "addresses with commas between them")
	connections = flag.Int("connections", 4, "channels; each has one connection to each server")
	rate        = flag.Int("rate", 300, "calls a second on each channel")
	timeout     = flag.Duration("timeout", 5*time.Second, "of a call")
	method      = flag.String("method", "/nextbest.v1.DecisionService/Decide", "what is called")
	request     = flag.String("request", "", "file with the encoded request")
)

// bytesCodec sends and receives messages as they are on the wire.
type bytesCodec struct{}

func (bytesCodec) Name() string                        { return "proto" }
func (bytesCodec) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }
func (bytesCodec) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = append([]byte(nil), data...)
	return nil
}

// tally is how the calls ended, with the first failure of each code.
type tally struct {
	mutex    sync.Mutex
	Calls    int               `json:"calls"`
	Codes    map[string]int    `json:"codes"`
	Failures map[string]string `json:"failures"`
	SlowestS float64           `json:"slowest_s"`
}

func (t *tally) count(began time.Time, err error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.Calls++
	code := status.Code(err).String()
	t.Codes[code]++
	t.SlowestS = max(t.SlowestS, time.Since(began).Seconds())
	if err != nil && t.Failures[code] == "" {
		t.Failures[code] = fmt.Sprintf("%s %v", began.Format("15:04:05.000"), err)
	}
}

func dial(addresses []string) (*grpc.ClientConn, error) {
	builder := manual.NewBuilderWithScheme("servers")
	var state resolver.State
	for _, address := range addresses {
		state.Endpoints = append(state.Endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: address}}})
	}
	builder.InitialState(state)
	return grpc.NewClient("servers:///all",
		grpc.WithResolvers(builder),
		grpc.WithAuthority("nextbest"),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig": [{"round_robin": {}}]}`),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(bytesCodec{})))
}

// callUntil starts a call whenever one is due, and returns when all have ended.
func callUntil(stop <-chan struct{}, channel *grpc.ClientConn, message []byte, ended *tally) {
	var open sync.WaitGroup
	defer open.Wait()
	began := time.Now()
	for call := 0; ; call++ {
		due := began.Add(time.Duration(call) * time.Second / time.Duration(*rate))
		select {
		case <-stop:
			return
		case <-time.After(time.Until(due)):
		}
		open.Go(func() {
			at := time.Now()
			deadline, cancel := context.WithTimeout(context.Background(), *timeout)
			defer cancel()
			var response []byte
			ended.count(at, channel.Invoke(deadline, *method, &message, &response))
		})
	}
}

func main() {
	flag.Parse()
	message, err := os.ReadFile(*request)
	if err != nil {
		log.Fatal(err)
	}
	stop := make(chan struct{})
	ended := &tally{Codes: map[string]int{}, Failures: map[string]string{}}
	var all sync.WaitGroup
	for range *connections {
		channel, err := dial(strings.Split(*servers, ","))
		if err != nil {
			log.Fatal(err)
		}
		all.Go(func() { callUntil(stop, channel, message, ended) })
	}
	io.Copy(io.Discard, os.Stdin)
	close(stop)
	all.Wait()
	if err := json.NewEncoder(os.Stdout).Encode(ended); err != nil {
		log.Fatal(err)
	}
}
