// Both ends of gRPC for the tests: the interoperability cases of the project
// itself, as server and as client, and what they do not have.
//
//	grpc serve NAME ADDRESS [CRT KEY]  a server, in the clear or in TLS
//	grpc reset ADDRESS                 one that resets every stream
//	grpc call ADDRESS HOST CASE...     calls, in TLS; each must go as it should
//	grpc talk ADDRESS HOST             a stream both ways: a line in, a line out
//
// A server says on standard output how each call ended, and puts its NAME into
// the answer's header.  A client that is content prints a line for each case;
// otherwise it says why and ends with 1.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/interop"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	nameKey     = "x-server"
	deadlineKey = "x-deadline"
	patience    = 30 * time.Second
)

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "grpc:", err)
		os.Exit(1)
	}
}

// ---- servers ----

// introduce tells in the header who answers, and whether it knows until when.
func introduce(ctx context.Context, name string) error {
	_, limited := ctx.Deadline()
	return grpc.SetHeader(ctx, metadata.Pairs(nameKey, name, deadlineKey,
		fmt.Sprint(limited)))
}

func ended(method string, err error) {
	fmt.Println(method, status.Convert(err).Code())
}

func options(name string, files []string) []grpc.ServerOption {
	unary := func(ctx context.Context, request any, info *grpc.UnaryServerInfo,
		handler grpc.UnaryHandler) (any, error) {
		if err := introduce(ctx, name); err != nil {
			return nil, err
		}
		answer, err := handler(ctx, request)
		ended(info.FullMethod, err)
		return answer, err
	}
	stream := func(server any, s grpc.ServerStream, info *grpc.StreamServerInfo,
		handler grpc.StreamHandler) error {
		if err := introduce(s.Context(), name); err != nil {
			return err
		}
		err := handler(server, s)
		ended(info.FullMethod, err)
		return err
	}
	all := []grpc.ServerOption{grpc.UnaryInterceptor(unary),
		grpc.StreamInterceptor(stream)}
	if len(files) == 2 {
		secret, err := credentials.NewServerTLSFromFile(files[0], files[1])
		fatal(err)
		all = append(all, grpc.Creds(secret))
	}
	return all
}

func serve(name, address string, files []string) {
	listener, err := net.Listen("tcp", address)
	fatal(err)
	server := grpc.NewServer(options(name, files)...)
	testpb.RegisterTestServiceServer(server, interop.NewTestServer())
	healthpb.RegisterHealthServer(server, health.NewServer())
	fatal(server.Serve(listener))
}

// reset speaks HTTP/2 in the clear; a handler that gives up is RST_STREAM
// there, for one method before anything was answered, for others after it.
func reset(address string) {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	server := http.Server{Addr: address, Protocols: protocols,
		Handler: http.HandlerFunc(func(w http.ResponseWriter,
			r *http.Request) {
			if r.URL.Path != "/grpc.testing.TestService/EmptyCall" {
				w.Header().Set("Content-Type", "application/grpc")
				w.WriteHeader(http.StatusOK)
				fatal(http.NewResponseController(w).Flush())
			}
			panic(http.ErrAbortHandler)
		})}
	fatal(server.ListenAndServe())
}

// ---- clients ----

// Who is verified is the business of other tests.
func dial(address, host string) *grpc.ClientConn {
	connection, err := grpc.NewClient("passthrough:///"+address,
		grpc.WithAuthority(host), grpc.WithTransportCredentials(
			credentials.NewTLS(&tls.Config{ServerName: host,
				InsecureSkipVerify: true})))
	fatal(err)
	return connection
}

func first(header metadata.MD, key string) string {
	if values := header.Get(key); len(values) > 0 {
		return values[0]
	}
	return "nobody"
}

// who returns the name of the server that has a service, and whether it heard
// of the deadline that every call here has.
func who(ctx context.Context, c *grpc.ClientConn, method string) string {
	var header metadata.MD
	err := c.Invoke(ctx, method, &testpb.Empty{}, &testpb.Empty{},
		grpc.Header(&header), grpc.WaitForReady(true))
	fatal(err)
	return first(header, nameKey) + " " + first(header, deadlineKey)
}

// early is a stream whose server answers with a status before it has heard the
// end of the request: what it said must arrive, not that it stopped listening.
func early(ctx context.Context, tc testpb.TestServiceClient) error {
	stream, err := tc.FullDuplexCall(ctx)
	if err != nil {
		return err
	}
	err = stream.Send(&testpb.StreamingOutputCallRequest{
		ResponseStatus: &testpb.EchoStatus{Code: int32(codes.Aborted),
			Message: "enough"}})
	if err != nil {
		return err
	}
	_, err = stream.Recv()
	if status.Code(err) != codes.Aborted ||
		status.Convert(err).Message() != "enough" {
		return fmt.Errorf("a status sent early arrived as %v", err)
	}
	return nil
}

// canceled is the project's cancel_after_begin, which ends its request in good
// order after it has cancelled it: where the answer to that is back before the
// cancellation has left, its call is OK.
func canceled(ctx context.Context, tc testpb.TestServiceClient) error {
	ctx, cancel := context.WithCancel(ctx)
	stream, err := tc.StreamingInputCall(ctx)
	cancel()
	if err == nil {
		err = stream.RecvMsg(&testpb.StreamingInputCallResponse{})
	}
	return fails(err, codes.Canceled)
}

// late waits for a server that says nothing until a deadline has passed.  The
// server has the same deadline, and its end may be here before our own clock is
// looked at: a reset is Unavailable, or Internal where an answer had begun, and
// its own last word is Canceled.  (The project's timeout_on_sleeping_server
// fails then.)
func late(timeout time.Duration) func(context.Context,
	testpb.TestServiceClient) error {
	return func(ctx context.Context, tc testpb.TestServiceClient) error {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		stream, err := tc.FullDuplexCall(ctx)
		if err == nil {
			err = stream.Send(&testpb.StreamingOutputCallRequest{
				Payload: interop.ClientNewPayload(
					testpb.PayloadType_COMPRESSABLE, 27182)})
		}
		if err == nil || err == io.EOF {
			_, err = stream.Recv()
		}
		if deadline, _ := ctx.Deadline(); time.Now().Before(deadline) {
			return fmt.Errorf("%v before the deadline", err)
		}
		return fails(err, codes.DeadlineExceeded, codes.Unavailable,
			codes.Internal, codes.Canceled)
	}
}

// fails is a call that has ended in one of these codes.
func fails(err error, wanted ...codes.Code) error {
	for _, code := range wanted {
		if status.Code(err) == code {
			return nil
		}
	}
	return fmt.Errorf("%v, not %v", err, wanted)
}

func resetBefore(ctx context.Context, tc testpb.TestServiceClient) error {
	_, err := tc.EmptyCall(ctx, &testpb.Empty{})
	return fails(err, codes.Unavailable)
}

func resetAfter(ctx context.Context, tc testpb.TestServiceClient) error {
	stream, err := tc.FullDuplexCall(ctx)
	if err == nil {
		_, err = stream.Recv()
	}
	return fails(err, codes.Unavailable, codes.Internal, codes.Canceled)
}

func call(c *grpc.ClientConn, one string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tc := testpb.NewTestServiceClient(c)
	cases := map[string]func(context.Context, testpb.TestServiceClient,
		...grpc.CallOption){
		"empty_unary":                 interop.DoEmptyUnaryCall,
		"large_unary":                 interop.DoLargeUnaryCall,
		"client_streaming":            interop.DoClientStreaming,
		"server_streaming":            interop.DoServerStreaming,
		"ping_pong":                   interop.DoPingPong,
		"empty_stream":                interop.DoEmptyStream,
		"cancel_after_first_response": interop.DoCancelAfterFirstResponse,
		"custom_metadata":             interop.DoCustomMetadata,
		"status_code_and_message":     interop.DoStatusCodeAndMessage,
		"special_status_message":      interop.DoSpecialStatusMessage,
	}
	ours := map[string]func(context.Context,
		testpb.TestServiceClient) error{
		"cancel_after_begin":         canceled,
		"timeout_on_sleeping_server": late(time.Millisecond),
		"late":                       late(500 * time.Millisecond),
		"early_status":               early,
		"reset_before":               resetBefore,
		"reset_after":                resetAfter,
	}
	if do, ok := cases[one]; ok {
		do(ctx, tc) // It ends the program where something is wrong.
		return nil
	}
	if do, ok := ours[one]; ok {
		return do(ctx, tc)
	}
	switch one {
	case "unimplemented_method":
		interop.DoUnimplementedMethod(ctx, c)
	case "unimplemented_service":
		interop.DoUnimplementedService(ctx,
			testpb.NewUnimplementedServiceClient(c))
	case "who":
		fmt.Println("test", who(ctx, c, testpb.TestService_EmptyCall_FullMethodName))
	case "who_health":
		fmt.Println("health", who(ctx, c, healthpb.Health_Check_FullMethodName))
	default:
		return errors.New("no such case")
	}
	return nil
}

// talk holds one stream for as long as its input does.
func talk(c *grpc.ClientConn) error {
	stream, err := testpb.NewTestServiceClient(c).FullDuplexCall(
		context.Background())
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		err := stream.Send(&testpb.StreamingOutputCallRequest{
			ResponseParameters: []*testpb.ResponseParameters{{
				Size: int32(len(lines.Text()))}}})
		if err != nil {
			return err
		}
		answer, err := stream.Recv()
		if err != nil {
			return err
		}
		header, err := stream.Header()
		if err != nil {
			return err
		}
		fmt.Println(first(header, nameKey), len(answer.Payload.Body))
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if _, err := stream.Recv(); err != io.EOF {
		return err
	}
	fmt.Println("done")
	return nil
}

func main() {
	args := os.Args[1:]
	switch {
	case len(args) >= 3 && args[0] == "serve":
		serve(args[1], args[2], args[3:])
	case len(args) == 2 && args[0] == "reset":
		reset(args[1])
	case len(args) == 3 && args[0] == "talk":
		fatal(talk(dial(args[1], args[2])))
	case len(args) > 3 && args[0] == "call":
		c := dial(args[1], args[2])
		for _, one := range args[3:] {
			if err := call(c, one); err != nil {
				fatal(fmt.Errorf("%s: %w", one, err))
			}
			fmt.Println("ok", one)
		}
	default:
		fmt.Fprintln(os.Stderr, "usage: see the head of main.go")
		os.Exit(2)
	}
}
