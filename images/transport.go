package images

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/etcdctr/etcdctr/internal/loopback"
)

// ErrPlainHTTP is found in the error of a request that would have gone over the
// network unencrypted without being asked to.
var ErrPlainHTTP = errors.New("plain HTTP is only spoken on loopback")

// transport refuses plain HTTP to other machines unless plainHTTP allows it.
// Redirects pass through it too.
func transport(next http.RoundTripper, plainHTTP bool) http.RoundTripper {
	if plainHTTP {
		return next
	}
	return encrypted{next}
}

// trusting is http.DefaultTransport with what the folders hold for a registry.
func trusting(host string, folders []string) (http.RoundTripper, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	for _, folder := range folders {
		dir := filepath.Join(folder, host)
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("registry %s: %w", host, err)
		}
		for _, e := range entries {
			if err := take(config, filepath.Join(dir, e.Name())); err != nil {
				return nil, fmt.Errorf("registry %s: %w", host, err)
			}
		}
	}
	if config.RootCAs == nil && config.Certificates == nil {
		return http.DefaultTransport, nil
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = config
	return t, nil
}

// take adds a file to what is trusted or shown, by its ending as Docker does.
func take(config *tls.Config, file string) error {
	switch filepath.Ext(file) {
	case ".crt":
		return trust(config, file)
	case ".cert":
		return show(config, file)
	}
	return nil
}

// trust adds a file's authorities to the system's.
func trust(config *tls.Config, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if config.RootCAs == nil {
		if config.RootCAs, err = x509.SystemCertPool(); err != nil {
			return err
		}
	}
	if !config.RootCAs.AppendCertsFromPEM(data) {
		return fmt.Errorf("%s: holds no certificate in PEM form", file)
	}
	return nil
}

// show has a client's certificate shown; its key is beside it.
func show(config *tls.Config, file string) error {
	pair, err := tls.LoadX509KeyPair(file, strings.TrimSuffix(file, ".cert")+".key")
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	config.Certificates = append(config.Certificates, pair)
	return nil
}

type encrypted struct{ next http.RoundTripper }

func (e encrypted) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "http" && !loopback.Host(r.URL.Hostname()) {
		return nil, fmt.Errorf("%s: %w", r.URL.Host, ErrPlainHTTP)
	}
	return e.next.RoundTrip(r)
}
