package images

import (
	"errors"
	"fmt"
	"net"
	"net/http"
)

// ErrPlainHTTP is found in the error of a request that would have gone over the
// network unencrypted without being asked to.
var ErrPlainHTTP = errors.New("plain HTTP is only spoken on loopback")

// transport is http.DefaultTransport, which refuses plain HTTP to other machines
// unless plainHTTP allows it. Redirects pass through it too.
func transport(plainHTTP bool) http.RoundTripper {
	if plainHTTP {
		return http.DefaultTransport
	}
	return encrypted{http.DefaultTransport}
}

type encrypted struct{ next http.RoundTripper }

func (e encrypted) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "http" && !isLoopback(r.URL.Hostname()) {
		return nil, fmt.Errorf("%s: %w", r.URL.Host, ErrPlainHTTP)
	}
	return e.next.RoundTrip(r)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
