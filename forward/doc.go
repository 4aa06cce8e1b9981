// Package forward leads programs that know nothing but addresses to members that
// only a runtime.Way leads to: a port of this machine for each member, an HTTP
// proxy for those that go where the member list says, and with both the arguments
// and the environment of etcdctl.
package forward
