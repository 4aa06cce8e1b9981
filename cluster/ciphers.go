package cluster

import (
	"crypto/tls"
	"slices"
	"strings"
)

// leastSuites has the cipher suites of TLS 1.2 of which HTTP/2 wants one, so that etcd ends
// without it once it is to serve clients with TLS.
var leastSuites = []string{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"}

// LacksHTTP2 tells which cipher suites would do where etcd serves no client with those of
// its setting cipher-suites. Nothing is Go's choice, which lacks none; a name that is no
// suite's etcd refuses itself.
func LacksHTTP2(suites string) (instead []string, lacks bool) {
	does := func(s string) bool { return slices.Contains(leastSuites, s) || !isSuite(s) }
	if suites == "" || slices.ContainsFunc(strings.Split(suites, ","), does) {
		return nil, false
	}
	return slices.Clone(leastSuites), true
}

// isSuite reports whether etcd knows a cipher suite of this name: those of Go's TLS.
func isSuite(name string) bool {
	all := slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites())
	return slices.ContainsFunc(all, func(s *tls.CipherSuite) bool { return s.Name == name })
}
