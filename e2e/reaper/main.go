// The reaper program stands in for Ryuk, testcontainers' reaper, on engines
// that have no image of it and cannot pull one. It speaks the same protocol:
//
//   - It listens on port 8080 and writes Started.
//   - A client sends a line of filters, such as label=a=b&label=c=d, and gets
//     ACK for it.
//   - When RYUK_RECONNECTION_TIMEOUT (default 10s) has gone by without a
//     client, it removes the containers, networks and volumes that have all
//     labels of some line, and ends.
package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/moby/moby/client"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	patience, err := time.ParseDuration(cmp.Or(os.Getenv("RYUK_RECONNECTION_TIMEOUT"), "10s"))
	if err != nil {
		return err
	}
	engine, err := client.New(client.FromEnv)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", ":8080")
	if err != nil {
		return err
	}
	fmt.Println("Started")
	var errs error
	for _, filter := range collect(listener, patience) {
		errs = errors.Join(errs, remove(ctx, engine, filter))
	}
	return errs
}

// collect gives what clients asked for, once there have been some and there was
// none for a while.
func collect(listener net.Listener, patience time.Duration) []client.Filters {
	var all []client.Filters
	filters, left := make(chan client.Filters), make(chan struct{})
	came := make(chan struct{})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				log.Fatal(err)
			}
			came <- struct{}{}
			go func() {
				serve(conn, filters)
				left <- struct{}{}
			}()
		}
	}()
	const firstClient = time.Minute
	clients, alone := 0, time.NewTimer(firstClient)
	for {
		select {
		case <-came:
			clients++
			alone.Stop()
		case f := <-filters:
			all = append(all, f)
		case <-left:
			if clients--; clients == 0 {
				alone.Reset(patience)
			}
		case <-alone.C:
			return all
		}
	}
}

// serve reads a client's lines until it leaves.
func serve(conn net.Conn, filters chan<- client.Filters) {
	defer conn.Close()
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		query, err := url.ParseQuery(lines.Text())
		if err != nil {
			return
		}
		filters <- make(client.Filters).Add("label", query["label"]...)
		fmt.Fprintln(conn, "ACK")
	}
}

func remove(ctx context.Context, engine *client.Client, filter client.Filters) error {
	var errs []error
	containers, err := engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: filter})
	errs = append(errs, err)
	for _, c := range containers.Items {
		_, err := engine.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		errs = append(errs, err)
	}
	networks, err := engine.NetworkList(ctx, client.NetworkListOptions{Filters: filter})
	errs = append(errs, err)
	for _, n := range networks.Items {
		_, err := engine.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{})
		errs = append(errs, err)
	}
	volumes, err := engine.VolumeList(ctx, client.VolumeListOptions{Filters: filter})
	errs = append(errs, err)
	for _, v := range volumes.Items {
		_, err := engine.VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{Force: true})
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
