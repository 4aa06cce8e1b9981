// Package e2e starts etcd clusters for tests.
package e2e
