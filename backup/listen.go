package backup

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// headerWithin is how long somebody who asks for metrics may take to say so.
const headerWithin = 10 * time.Second

// listen answers at an address until it is told to stop; empty: nowhere. With the folder of
// a certificate it shows that to all but this machine, and wants one of the same authority.
func listen(address, certs string, handler http.Handler) (stop func(), err error) {
	if address == "" {
		return func() {}, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return func() {}, err
	}
	if host, _, err := net.SplitHostPort(address); certs != "" && err == nil && !net.ParseIP(host).IsLoopback() {
		l = tls.NewListener(l, &tls.Config{
			MinVersion:         tls.VersionTLS12,
			GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return serverOf(certs) },
		})
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: headerWithin, ErrorLog: log.New(io.Discard, "", 0)} // who is refused is told
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	return func() {
		_ = errors.Join(server.Close(), <-ended) // it was told to
	}, nil
}

// serverOf is what whoever takes the backups shows those who ask it: read anew each time,
// as it may be renewed.
func serverOf(certs string) (*tls.Config, error) {
	config, err := readIdentity(certs)
	if err != nil {
		return nil, err
	}
	config.ClientAuth, config.ClientCAs, config.RootCAs = tls.RequireAndVerifyClientCert, config.RootCAs, nil
	return config, nil
}
