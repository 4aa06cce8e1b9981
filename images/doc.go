// Package images makes etcd images: binaries from somewhere, into an OCI image, to somewhere.
package images
