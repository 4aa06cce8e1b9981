//go:build carry

package main

import _ "embed"

// carriedProgram is cmd/etcd for linux, compressed; `make build` writes it.
//
//go:embed carried/linux-arm64.zst
var carriedProgram []byte
