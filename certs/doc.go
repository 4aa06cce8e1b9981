// Package certs is the PKI of an etcd cluster: authorities, profiles, certificates as files.
package certs
