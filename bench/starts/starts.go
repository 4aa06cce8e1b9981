// Package starts is what benchmarks of a stack's first start share: `etcdctr up` with a
// Compose file, `docker compose up --detach --wait` with the same one, and as their floor
// the engine alone, which is asked for the same containers by its plain API.
package starts

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/bench/measure"
)

// composeFile is what is started.
const composeFile = "docker-compose.yml"

// Stack is a cluster of three members of a project.
type Stack struct {
	Etcdctr string // the program
	Dir     string // with its Compose file and its certificates
	Project string
	// Took is what each start by etcdctr has taken, whatever it was for.
	Took []time.Duration
}

// New describes a stack whose members run an image that the engine has.
func New(ctx context.Context, etcdctr, dir, project, image string) (*Stack, error) {
	s := &Stack{Etcdctr: etcdctr, Dir: dir, Project: project}
	return s, s.do(ctx, etcdctr, "compose", "--name", project, "--image", image, "--output", composeFile)
}

// Up has etcdctr start it.
func (s *Stack) Up(ctx context.Context) error {
	began := time.Now()
	err := s.do(ctx, s.Etcdctr, "up", "--file-compose", composeFile)
	if err == nil {
		s.Took = append(s.Took, time.Since(began))
	}
	return err
}

// UpByCompose has Docker Compose start it.
func (s *Stack) UpByCompose(ctx context.Context) error {
	return s.do(ctx, "docker-compose", "up", "--detach", "--wait")
}

// Down removes it with its data, whoever has started it, also after Ctrl-C. Nobody waits
// for members to end well.
func (s *Stack) Down(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	return errors.Join(kill(ctx, s.Project), s.do(ctx, s.Etcdctr, "down", "--name", s.Project, "--volumes", "--yes"))
}

func (s *Stack) do(ctx context.Context, program string, args ...string) error {
	_, err := measure.Output(ctx, s.Dir, program, args...)
	return err
}

// Timed gives what a start takes. All is removed after it.
func (s *Stack) Timed(up func(context.Context) error) func(context.Context) (time.Duration, error) {
	timed := measure.Timed(up)
	return func(ctx context.Context) (time.Duration, error) {
		took, err := timed(ctx)
		return took, errors.Join(err, s.Down(ctx))
	}
}

// Compare adds rows of etcdctr's first start beside Compose's and beside the engine's own.
func (s *Stack) Compare(ctx context.Context, rows *measure.Rows, what string, rounds int, ofCompose, ofFloor float64) error {
	engine, err := client.New(client.FromEnv)
	if err != nil {
		return err
	}
	defer engine.Close()
	plain, err := s.plain(ctx, engine)
	if err != nil {
		return err
	}
	all, err := measure.InTurns(ctx, rounds, s.Timed(s.Up), s.Timed(s.UpByCompose), s.Timed(plain.up))
	if err != nil {
		return err
	}
	ours, compose, floor := measure.Median(all[0]), measure.Median(all[1]), measure.Median(all[2])
	rows.Add(measure.Seconds(what, "docker compose", ours, compose).Want(ofCompose))
	rows.Add(measure.Seconds(what, "the engine alone", ours, floor).Want(ofFloor))
	return nil
}

// clientDir is the folder of a client's certificate.
func (s *Stack) clientDir() string { return filepath.Join(s.Dir, "certs", "clients", "root") }

// kill removes the containers of a project, which is much faster than to stop them.
func kill(ctx context.Context, project string) error {
	list, err := measure.Output(ctx, "", "docker", "ps", "--all", "--quiet", "--filter", "label="+projectLabel+"="+project)
	if err != nil || list == "" {
		return err
	}
	_, err = measure.Output(ctx, "", "docker", append([]string{"rm", "--force"}, strings.Fields(list)...)...)
	return err
}
