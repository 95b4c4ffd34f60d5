// The node of the test cluster.  It plays scheduler, kubelet and every
// container at once: pods are bound to one Node, get an address of their own
// and a status, and on each containerPort of theirs an HTTP server answers that
// tells what it saw.  No container runtime, no image and no namespace is needed.
//
//	podhelper node --server URL --ca FILE --cert FILE --key FILE --cidr CIDR [--cidr6 CIDR]
//		[--image NAME=PROGRAM]...
//	podhelper echo [--http ADDRESS]... [--https ADDRESS]... [--name NAME]
//
// README.md beside the cluster script lists the annotations a pod is steered
// with and the query parameters the server understands.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"log"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

type addresses []string

func (a *addresses) String() string { return strings.Join(*a, ",") }

func (a *addresses) Set(value string) error {
	*a = append(*a, value)
	return nil
}

// Programs by the name of the image whose containers they are.
type images map[string]string

func (i images) String() string { return fmt.Sprint(map[string]string(i)) }

func (i images) Set(value string) error {
	name, program, found := strings.Cut(value, "=")
	if !found {
		return fmt.Errorf("not NAME=PROGRAM")
	}
	i[name] = program
	return nil
}

func nodeCommand(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("podhelper node", flag.ExitOnError)
	server := flags.String("server", "", "URL of the API server")
	ca := flags.String("ca", "", "certificate of its authority (PEM)")
	cert := flags.String("cert", "", "client certificate (PEM)")
	key := flags.String("key", "", "key of the client certificate (PEM)")
	cidr := flags.String("cidr", "", "IPv4 range the pods get addresses from")
	cidr6 := flags.String("cidr6", "", "IPv6 range; without it pods have none")
	name := flags.String("node", "node", "name of the Node")
	programs := images{}
	flags.Var(programs, "image", "NAME=PROGRAM: a container of that image is\n"+
		"a process of PROGRAM NAME ARGS... in a network namespace of its own")
	flags.Parse(arguments)

	prefix, err := netip.ParsePrefix(*cidr)
	if err != nil {
		return fmt.Errorf("--cidr: %w", err)
	}
	var prefix6 netip.Prefix
	if *cidr6 != "" {
		if prefix6, err = netip.ParsePrefix(*cidr6); err != nil {
			return fmt.Errorf("--cidr6: %w", err)
		}
	}
	api, err := newClient(*server, *ca, *cert, *key)
	if err != nil {
		return err
	}
	node, err := newNode(api, *name, prefix, prefix6)
	if err != nil {
		return err
	}
	node.images = programs
	return node.run(ctx)
}

func echoCommand(ctx context.Context, arguments []string) error {
	var plain, secure addresses
	flags := flag.NewFlagSet("podhelper echo", flag.ExitOnError)
	flags.Var(&plain, "http", "address to serve HTTP/1.1 and h2c on")
	flags.Var(&secure, "https", "address to serve HTTPS on")
	name := flags.String("name", "echo", "name to answer with")
	cert := flags.String("tls-cert", "", "certificate chain (PEM)")
	key := flags.String("tls-key", "", "its key (PEM)")
	flags.Parse(arguments)

	certificate, err := selfSigned()
	if err == nil && *cert != "" {
		*certificate, err = tls.LoadX509KeyPair(*cert, *key)
	}
	if err != nil {
		return err
	}
	var listeners listenerSet
	defer listeners.close()
	for _, address := range plain {
		if err := listeners.open(address, identity{Name: *name}, nil); err != nil {
			return err
		}
	}
	for _, address := range secure {
		if err := listeners.open(address, identity{Name: *name}, certificate); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return nil
}

func main() {
	log.SetFlags(log.LstdFlags | log.Lmicroseconds)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()

	commands := map[string]func(context.Context, []string) error{
		"node": nodeCommand,
		"echo": echoCommand,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: podhelper node|echo [FLAGS]")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](ctx, os.Args[2:]); err != nil {
		fmt.Fprintf(os.Stderr, "podhelper %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}
