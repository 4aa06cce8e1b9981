package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/moby/moby/client"
)

// errNoEngine is the error of finding nobody where this machine's Docker Engine
// would be.
var errNoEngine = errors.New("no Docker Engine answers")

// explainNoEngine tells apart the reasons for which an engine does not answer.
// Only those that have a type have kept it on the way here.
func explainNoEngine(place string, err error) error {
	text := err.Error()
	switch verification := (*tls.CertificateVerificationError)(nil); {
	case errors.Is(err, context.Canceled):
		return err
	case isSSH(place):
		return explainSSH(place, text)
	case strings.Contains(text, "permission denied"):
		return withHint(fmt.Errorf("this user may not talk to the Docker Engine at %s", place),
			"join the group that owns the socket (`sudo usermod -aG docker $USER`, then log in again), run a rootless engine, or do without: `etcdctr up --runtime process`")
	case errors.As(err, &verification):
		return withHint(fmt.Errorf("the Docker Engine at %s shows a certificate that is not trusted here: %w", place, verification.Err),
			"ca.pem in DOCKER_CERT_PATH, or in the Docker context, must be the authority that made it")
	case strings.Contains(text, "remote error: tls: "):
		return withHint(fmt.Errorf("the Docker Engine at %s does not accept the certificate that it is shown: %s", place, after(text, "remote error: ")),
			"cert.pem and key.pem in DOCKER_CERT_PATH, or in the Docker context, must be from the authority that the engine trusts")
	case strings.Contains(text, "HTTP request to an HTTPS server"):
		return withHint(fmt.Errorf("the Docker Engine at %s takes nothing but TLS", place),
			"set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to a folder with ca.pem, cert.pem and key.pem")
	case !client.IsErrConnectionFailed(err):
		return fmt.Errorf("the Docker Engine at %s does not answer as one: %w", place, err)
	}
	return withHint(notAnswering(place, err), "start it, or say where it is: DOCKER_HOST, or `docker context use`")
}

// notAnswering is errNoEngine for this machine's engine alone. Somebody who has
// named another machine's wants that one, and nothing in its place.
func notAnswering(place string, err error) error {
	if strings.HasPrefix(place, "unix://") || strings.HasPrefix(place, "npipe://") {
		return fmt.Errorf("%w: %w", errNoEngine, err)
	}
	return fmt.Errorf("%s: %w", errNoEngine.Error(), err)
}

// explainSSH tells what ssh itself has said, or the other machine's shell.
func explainSSH(place, text string) error {
	return withHint(fmt.Errorf("no Docker Engine answers at %s: %s", place, strings.TrimSpace(after(text, "stderr="))),
		"`docker --host %s version` has to work, and ssh without asking for anything", place)
}

// after gives what follows a mark, or all of a text without it.
func after(text, mark string) string {
	if _, rest, found := strings.Cut(text, mark); found {
		return rest
	}
	return text
}
