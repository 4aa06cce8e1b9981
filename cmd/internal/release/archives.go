package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
)

// archiveName is that of a platform's archive without its ending, and of the
// folder inside it.
func (r *release) archiveName(p platform) string { return r.name(p.os + "_" + p.arch) }

// archiveFile is the file of a platform's archive.
func (r *release) archiveFile(p platform) string {
	if p.os == "windows" {
		return r.archiveName(p) + ".zip"
	}
	return r.archiveName(p) + ".tar.gz"
}

func (r *release) archives() error {
	for _, p := range r.platforms {
		files, err := r.contents(p)
		if err != nil {
			return err
		}
		var data bytes.Buffer
		pack := r.packTar
		if p.os == "windows" {
			pack = r.packZip
		}
		if err := pack(&data, r.archiveName(p), files); err != nil {
			return err
		}
		if err := r.write(r.archiveFile(p), data.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// packTar has no user's name in it, and no time but the release's.
func (r *release) packTar(to io.Writer, folder string, files []file) error {
	zw, err := gzip.NewWriterLevel(to, gzip.BestCompression)
	if err != nil {
		return err
	}
	tw := tar.NewWriter(zw)
	for _, f := range files {
		err := tw.WriteHeader(&tar.Header{
			Name: folder + "/" + f.name, Mode: int64(f.mode), Size: int64(len(f.data)), ModTime: r.date, Format: tar.FormatUSTAR,
		})
		if err != nil {
			return err
		}
		if _, err := tw.Write(f.data); err != nil {
			return err
		}
	}
	return errors.Join(tw.Close(), zw.Close())
}

func (r *release) packZip(to io.Writer, folder string, files []file) error {
	zw := zip.NewWriter(to)
	for _, f := range files {
		header := &zip.FileHeader{Name: folder + "/" + f.name, Method: zip.Deflate, Modified: r.date}
		header.SetMode(f.mode)
		w, err := zw.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := w.Write(f.data); err != nil {
			return err
		}
	}
	return zw.Close()
}
