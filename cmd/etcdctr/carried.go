package main

import (
	"fmt"
	"os"

	"github.com/etcdctr/etcdctr/images"
)

// selfSource gives the programs for images that this one has with it, whatever
// it runs on itself.
func selfSource() (images.Self, error) {
	file, err := os.Executable()
	if err != nil {
		return images.Self{}, fmt.Errorf("find this program's file: %w", err)
	}
	return images.Self{File: file, Carried: carriedProgram}, nil
}
