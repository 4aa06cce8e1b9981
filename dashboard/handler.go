package dashboard

import (
	"context"
	"embed"
	"encoding/base64"
	"encoding/json"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strconv"
	"sync"
)

//go:embed assets
var assets embed.FS

// NewKey gives a key that nobody guesses, to be a part of the page's address.
func NewKey(random io.Reader) (string, error) {
	const bytes = 18
	key := make([]byte, bytes)
	if _, err := io.ReadFull(random, key); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(key), nil
}

// Handler serves the page of a sampler below /KEY/.
type Handler struct {
	sampler *Sampler
	served  http.Handler
	slow    sync.Mutex // held by whoever proves or diagnoses: one at a time
}

// NewHandler gives a handler that answers who knows the key.
func NewHandler(s *Sampler, key string) *Handler {
	h := &Handler{sampler: s}
	files, err := fs.Sub(assets, "assets")
	if err != nil {
		panic(err) // it is embedded
	}
	base := "/" + key + "/"
	mux := http.NewServeMux()
	mux.Handle("GET "+base, http.StripPrefix(base, http.FileServerFS(files)))
	mux.HandleFunc("GET "+base+"view", h.view)
	mux.HandleFunc("POST "+base+"diagnosis", func(w http.ResponseWriter, r *http.Request) {
		answer(h, w, r, s.source.Diagnose)
	})
	mux.HandleFunc("POST "+base+"proofs", func(w http.ResponseWriter, r *http.Request) {
		answer(h, w, r, s.source.Prove)
	})
	h.served = http.NewCrossOriginProtection().Handler(mux)
	return h
}

// policy is what the page may load: its own files, and nothing from elsewhere.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// ServeHTTP answers requests to this machine's own address only: a name that
// somebody else resolves to it is a page of his that wants to read this one.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range map[string]string{
		"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store",
	} {
		w.Header().Set(name, value)
	}
	if !ownName(r.Host) {
		http.Error(w, "this page is there at its own address only", http.StatusMisdirectedRequest)
		return
	}
	h.served.ServeHTTP(w, r)
}

func ownName(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = hostPort
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// view answers with what is new since a moment.
func (h *Handler) view(w http.ResponseWriter, r *http.Request) {
	since, err := strconv.ParseInt(r.FormValue("since"), 10, 64)
	if err != nil {
		http.Error(w, "since must be a number of milliseconds", http.StatusBadRequest)
		return
	}
	writeJSON(w, h.sampler.View(since))
}

// answer asks what takes its time, and gives the answer or why there is none.
func answer[T any](h *Handler, w http.ResponseWriter, r *http.Request, ask func(context.Context) (T, error)) {
	h.slow.Lock()
	defer h.slow.Unlock()
	found, err := ask(r.Context())
	if err != nil {
		writeJSON(w, struct {
			Error string `json:"error"`
		}{err.Error()})
		return
	}
	writeJSON(w, struct {
		Found T `json:"found"`
	}{found})
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // to a browser that may have gone
}
