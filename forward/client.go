package forward

import (
	"strings"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
)

// OpenURLs are those of members that anybody on this machine reaches.
func OpenURLs(way *etcdctr.Connection) []string {
	var urls []string
	for _, m := range way.Reachable() {
		scheme, _, _ := strings.Cut(m.ClientURL(), "://")
		for _, address := range m.Published {
			urls = append(urls, scheme+"://"+address)
		}
	}
	return urls
}

// GoClient is how a Go program takes the Variables, as a comment of a shell.
func GoClient(mode cluster.TLSMode) string {
	switch mode {
	case cluster.AutoTLS:
		return `# Go, encrypted and not authenticated: clientv3.New(clientv3.Config{
#         Endpoints: strings.Split(os.Getenv("ETCDCTL_ENDPOINTS"), ","), TLS: &tls.Config{InsecureSkipVerify: true}})`
	case cluster.NoTLS:
		return `# Go: clientv3.New(clientv3.Config{Endpoints: strings.Split(os.Getenv("ETCDCTL_ENDPOINTS"), ",")})`
	}
	return `# Go: config, err := transport.TLSInfo{TrustedCAFile: os.Getenv("ETCDCTL_CACERT"),
#         CertFile: os.Getenv("ETCDCTL_CERT"), KeyFile: os.Getenv("ETCDCTL_KEY")}.ClientConfig()
#     clientv3.New(clientv3.Config{Endpoints: strings.Split(os.Getenv("ETCDCTL_ENDPOINTS"), ","), TLS: config})`
}
