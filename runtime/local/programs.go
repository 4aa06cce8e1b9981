package local

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/etcdctr/etcdctr/process"
)

// The names that a program is called by to be one of Programs.
const (
	supervisorProgram = "etcdctr-supervisor"
	dnsProgram        = "etcdctr-dns"       // the stack's DNS server
	resolvingProgram  = "etcdctr-resolving" // to become an etcd that asks it
)

// Programs are what a program that makes Runtimes is to its own processes: main
// runs the one whose name the program is called by, the last element of
// os.Args[0], and exits 1 with its error.
var Programs = map[string]func() error{
	supervisorProgram: supervise,
	dnsProgram:        serveDNS,
	resolvingProgram:  runResolving,
}

// supervise runs the stack that it is given on standard input, in the folder
// that it was started in. What goes wrong at the start it tells whoever started
// it; what happens later is in the logs.
func supervise() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	return process.Home{Dir: dir}.Serve(ctx, os.Stdin, os.Stdout, process.Options{Prepare: prepareServices(ctx)})
}

// longestPreparation is how long services may take until members can start.
const longestPreparation = 30 * time.Second

// prepareServices returns when the members of a stack can find each other by
// its services. What it leaves to be done later ends with life.
func prepareServices(life context.Context) func(context.Context, process.Stack) error {
	return func(ctx context.Context, s process.Stack) error {
		ctx, cancel := context.WithTimeout(ctx, longestPreparation)
		defer cancel()
		for _, service := range s.Services {
			for address := range service.Addresses {
				if err := awaitListener(ctx, address); err != nil {
					return fmt.Errorf("%s does not start: %w", service.Name, err)
				}
			}
		}
		tokens, ok := ownDiscovery(s)
		if !ok {
			return nil
		}
		go tokens.guard(life)
		return tokens.open(ctx)
	}
}

func awaitListener(ctx context.Context, address string) error {
	return keepTrying(ctx, func() error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			conn.Close()
		}
		return err
	})
}

// retryEvery is the pause between two attempts.
const retryEvery = 5 * time.Millisecond

// keepTrying does something until it succeeds, and gives the last error once
// ctx ends.
func keepTrying(ctx context.Context, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(retryEvery):
		}
	}
}
