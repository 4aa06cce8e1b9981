package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdctr/etcdctr/bench/measure"
)

// floor is what a read through the relay can't be faster than, whatever the relay is: the
// read itself, and a way to a container's standard input and back from its output, which
// is all that the engine's API lends a client that is elsewhere.
func (b *bench) floor(ctx context.Context, rows *measure.Rows, straight clientv3.Config) error {
	stream, stop, err := b.echo(ctx)
	if err != nil {
		return err
	}
	defer stop()
	small := measurements[0]
	read := func(ctx context.Context) (time.Duration, error) {
		began := time.Now()
		err := small.do(ctx, straight, small.pieces)
		return time.Since(began) / time.Duration(small.pieces), err
	}
	there := func(ctx context.Context) (time.Duration, error) {
		took, err := read(ctx)
		if err != nil {
			return 0, err
		}
		way, err := roundTrips(stream, small.pieces)
		return took + way, err
	}
	us, them, err := measure.Medians(ctx, rounds, there, read)
	if err != nil {
		return err
	}
	rows.Add(measure.Seconds("the engine's own way added to a small read", "no tunnel", us, them))
	return nil
}

// echo starts a container that says what it hears, until stop is called, and gives its
// standard streams by the engine's own client.
func (b *bench) echo(ctx context.Context) (stream io.ReadWriter, stop func(), err error) {
	image, program := b.name+":echo", filepath.Join(b.dir, "echo")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./bench/connect/echo")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, nil, fmt.Errorf("%s: %w\n%s", build, err, out)
	}
	pack := exec.CommandContext(ctx, "sh", "-c", `tar -C "$1" -c echo | docker import --change 'ENTRYPOINT ["/echo"]' - "$2"`, "sh", b.dir, image)
	if out, err := pack.CombinedOutput(); err != nil {
		return nil, nil, fmt.Errorf("%s: %w\n%s", pack, err, out)
	}
	engine, err := client.New(client.FromEnv)
	if err != nil {
		return nil, nil, err
	}
	made, err := engine.ContainerCreate(ctx, client.ContainerCreateOptions{
		Config: &container.Config{
			Image: image, OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true,
		},
		HostConfig: &container.HostConfig{NetworkMode: "none", LogConfig: container.LogConfig{Type: "none"}},
	})
	if err != nil {
		return nil, nil, err
	}
	stop = func() {
		ctx := context.Background() // after Ctrl-C too
		_, _ = engine.ContainerRemove(ctx, made.ID, client.ContainerRemoveOptions{Force: true})
		_, _ = b.command(ctx, "docker", "rmi", "--force", image)
	}
	attached, err := engine.ContainerAttach(ctx, made.ID, client.ContainerAttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
	if err == nil {
		_, err = engine.ContainerStart(ctx, made.ID, client.ContainerStartOptions{})
	}
	if err != nil {
		stop()
		return nil, nil, err
	}
	said, says := io.Pipe()
	go func() {
		_, err := stdcopy.StdCopy(says, io.Discard, attached.Reader)
		says.CloseWithError(err)
	}()
	return struct {
		io.Reader
		io.Writer
	}{said, attached.Conn}, stop, nil
}

// roundTrips gives what a request's bytes take to come back.
func roundTrips(stream io.ReadWriter, n int) (time.Duration, error) {
	const size = 200 // of a small read, encrypted
	message, heard := make([]byte, size), make([]byte, size)
	began := time.Now()
	for range n {
		if _, err := stream.Write(message); err != nil {
			return 0, err
		}
		if _, err := io.ReadFull(stream, heard); err != nil {
			return 0, err
		}
	}
	return time.Since(began) / time.Duration(n), nil
}
