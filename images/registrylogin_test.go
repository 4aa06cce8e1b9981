package images

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A registry's users, with their passwords.
var users = map[string]string{"writer": "correct horse", "reader": "battery staple"}

// guard has a handler answer users only; asked for writing, the writer only.
func guard(next http.Handler, challenge func(*http.Request) string, user func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch who := user(r); {
		case who == "":
			w.Header().Set("WWW-Authenticate", challenge(r))
			refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
		case who != "writer" && r.Method != http.MethodGet && r.Method != http.MethodHead:
			refuse(w, http.StatusForbidden, "DENIED", "requested access to the resource is denied")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"errors": [{"code": %q, "message": %q}]}`, code, message)
}

// basicUser gives who a request says it is from, "" if the password is wrong.
func basicUser(r *http.Request) string {
	name, password, _ := r.BasicAuth()
	if users[name] == "" || users[name] != password {
		return ""
	}
	return name
}

// guarded are the two ways in which registries ask for a login.
func guarded(next http.Handler) map[string]http.Handler {
	basic := guard(next, func(*http.Request) string { return `Basic realm="registry"` }, basicUser)
	tokens := guard(next,
		func(r *http.Request) string {
			return fmt.Sprintf(`Bearer realm="http://%s/token",service="registry"`, r.Host)
		},
		func(r *http.Request) string {
			who, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer token-of-")
			return who
		})
	return map[string]http.Handler{"by password": basic, "by token": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/token" {
			tokens.ServeHTTP(w, r)
		} else if who := basicUser(r); who == "" {
			refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "incorrect username or password")
		} else {
			fmt.Fprintf(w, `{"token": "token-of-%s"}`, who)
		}
	})}
}

// logIn leaves what `docker login` leaves: the password in Docker's
// configuration, or in a helper that it names.
func logIn(t *testing.T, way, host, user, password string) {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("DOCKER_CONFIG", home)
	var config string
	switch way {
	case "nobody":
		config = `{}`
	case "configuration":
		auth := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
		config = fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, host, auth)
	case "helper":
		config = fmt.Sprintf(`{"credHelpers": {%q: "test"}}`, host)
		helper := filepath.Join(home, "docker-credential-test")
		write(t, helper, fmt.Appendf(nil, "#!/bin/sh\ncat >/dev/null\necho '{\"Username\": %q, \"Secret\": %q}'\n", user, password))
		if err := os.Chmod(helper, 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", home+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
	write(t, filepath.Join(home, "config.json"), []byte(config))
}

func TestPushLogsInWithWhatDockerLoginLeft(t *testing.T) {
	for asks, handler := range guarded(newRegistry()) {
		for _, kept := range []string{"configuration", "helper"} {
			t.Run(asks+", from the "+kept, func(t *testing.T) {
				host := serve(t, handler)
				logIn(t, kept, host, "writer", users["writer"])
				if _, err := Push(t.Context(), host+"/etcd:1", one(t), PushOptions{}); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestPushThatARegistryRefusesSaysSo(t *testing.T) {
	for asks, handler := range guarded(newRegistry()) {
		for name, test := range map[string]struct{ way, user, password, want string }{
			// "Unauthorized" to a HEAD request, and a token server's UNAUTHORIZED.
			"nobody":           {"nobody", "", "", "U"},
			"a wrong password": {"configuration", "writer", "wrong", "U"},
			"a reader":         {"helper", "reader", users["reader"], "DENIED: requested access to the resource is denied"},
		} {
			t.Run(asks+", "+name, func(t *testing.T) {
				host := serve(t, handler)
				logIn(t, test.way, host, test.user, test.password)
				_, err := Push(t.Context(), host+"/etcd:1", one(t), PushOptions{})
				wantError(t, err, "push "+host+"/etcd:1: registry "+host+": it wants another login: "+test.want)
				if wrong := (*PushError)(nil); !errors.Is(err, ErrDenied) || !errors.As(err, &wrong) || wrong.Ref != host+"/etcd:1" {
					t.Errorf("%v is not ErrDenied of what was pushed", err)
				}
				if test.password != "" && strings.Contains(err.Error(), test.password) {
					t.Errorf("%v tells the password", err)
				}
			})
		}
	}
}

func TestRegistryWithAnAuthorityOfItsOwnIsTrustedWhereDockerTrustsIt(t *testing.T) {
	server := httptest.NewUnstartedServer(newRegistry())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "https://")
	ref, certs := host+"/etcd:1", t.TempDir()
	opts := PushOptions{CertsDirs: []string{filepath.Join(certs, "missing"), certs}}

	_, err := Push(t.Context(), ref, one(t), opts)
	if !errors.Is(err, ErrUntrusted) {
		t.Errorf("%v is not ErrUntrusted", err)
	}
	want := fmt.Sprintf("push %s: registry %s: its certificate is not trusted: x509: certificate signed by unknown authority", ref, host)
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}

	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	write(t, filepath.Join(certs, host, "ca.crt"), authority)
	_, err = Push(t.Context(), ref, one(t), opts)
	wantError(t, err, "certificate required")

	writeClientPair(t, filepath.Join(certs, host, "client"))
	if _, err := Push(t.Context(), ref, one(t), opts); err != nil {
		t.Error(err)
	}

	write(t, filepath.Join(certs, host, "ca.crt"), []byte("nothing"))
	_, err = Push(t.Context(), ref, one(t), opts)
	wantError(t, err, "registry "+host, "ca.crt: holds no certificate in PEM form")
}

// writeClientPair writes STEM.cert and STEM.key.
func writeClientPair(t *testing.T, stem string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, stem+".cert", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	write(t, stem+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// A registry that a company has may speak no TLS: that is said, and not what TLS makes of it.
func TestARegistryThatSpeaksPlainHTTPIsKnownBySuch(t *testing.T) {
	at := startRegistry(t)
	before := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = before })
	there := before.(*http.Transport).Clone()
	there.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, at)
	}
	http.DefaultTransport = there
	_, err := Push(t.Context(), "registry.example.com/etcd:v3.7.3", two(t), PushOptions{})
	if !errors.Is(err, ErrPlainHTTP) || !strings.Contains(fmt.Sprint(err), "registry registry.example.com: it answers without TLS, and plain HTTP") {
		t.Errorf("what is said of it is %v", err)
	}
	if _, err := Push(t.Context(), "registry.example.com/etcd:v3.7.3", two(t), PushOptions{PlainHTTP: true}); err != nil {
		t.Errorf("with what the hint says: %v", err)
	}
}
