// Command compress writes standard input to standard output, compressed with
// zstd: what etcdctr carries for images is unpacked each time one is asked for,
// and zstd takes a third of gzip's time for that.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "compress:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	zw, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression))
	if err != nil {
		return err
	}
	data, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	// All at once, so that the size is written down for whoever unpacks it.
	_, err = out.Write(zw.EncodeAll(data, nil))
	return err
}
