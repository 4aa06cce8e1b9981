package certs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// patience is how long a command may take to sign, and to end once it was told to.
const (
	patience    = 2 * time.Minute
	lastMoments = 5 * time.Second
)

// SignBy signs by a command for the system's shell, which reads the request and
// writes the certificates. Beside env it has ETCDCTR_IDENTITY, such as
// members/etcd1/server.
func SignBy(command string, env []string) Sign {
	return func(ctx context.Context, identity string, request []byte) ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		shell := []string{"/bin/sh", "-c"}
		if runtime.GOOS == "windows" {
			shell = []string{"cmd", "/C"}
		}
		var said bytes.Buffer
		cmd := exec.CommandContext(ctx, shell[0], append(shell[1:], command)...) //nolint:gosec // the user's own command
		cmd.Env = slices.Concat(env, []string{"ETCDCTR_IDENTITY=" + identity})
		cmd.Stdin, cmd.Stderr = bytes.NewReader(request), &said
		cmd.WaitDelay = lastMoments
		answer, err := cmd.Output()
		switch text := strings.TrimSpace(said.String()); {
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			return nil, fmt.Errorf("the command did not end within %s", patience)
		case err != nil && text != "":
			return nil, fmt.Errorf("the command failed: %w: %s", err, text)
		case err != nil:
			return nil, fmt.Errorf("the command failed: %w", err)
		case len(bytes.TrimSpace(answer)) == 0:
			return nil, errors.New("the command has written no certificate")
		}
		return answer, nil
	}
}
