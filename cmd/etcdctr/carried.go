package main

import (
	"fmt"
	"os"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/images"
)

// selfSource gives the programs for images that this one has with it, whatever
// it runs on itself.
func selfSource() (images.Self, error) {
	file, err := thisProgram()
	return images.Self{File: file, Carried: carriedProgram}, err
}

// thisProgram is its file.
func thisProgram() (string, error) {
	file, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("cannot find this program's file: %w", err)
	}
	return file, nil
}

// etcdFor is the etcd that carries out a log: the one that is given, or this program.
func etcdFor(given string) (backup.Program, error) {
	if given != "" {
		return backup.Program{Path: given, Given: true}, nil
	}
	self, err := thisProgram()
	return backup.Program{Path: self}, err
}
