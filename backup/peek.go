package backup

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
)

// bbolt opens a database by mapping a file of its own. One that has just gone
// into an archive would have to be written a second time for that, so the few
// pages that tell what it holds are read here, by bbolt's format (version 2, of
// internal/common/{meta,page,inode,bucket}.go).

const (
	pageHeader   = 16
	element      = 16
	branchPage   = 0x01
	leafPage     = 0x02
	bucketValue  = 0x01
	bucketHeader = 16
	metaBytes    = 56
	metaSum      = 8
	mostDepth    = 64
	mostKey      = 1 << 15 // bbolt's own limit
)

// tree reads a database.
type tree struct {
	r    io.ReaderAt
	page int64
	root uint64
	size int64
}

// peek tells what a database holds, by some of its pages.
func peek(r io.ReaderAt) (Contents, error) {
	t, err := openTree(r)
	if err != nil {
		return Contents{}, err
	}
	c := Contents{Size: t.size}
	return c, c.read(t)
}

// openTree takes the newer of the two pages that tell where the others are.
func openTree(r io.ReaderAt) (*tree, error) {
	t := &tree{r: r}
	var newest uint64
	for offset := int64(0); ; offset = t.page {
		meta := make([]byte, metaBytes+metaSum)
		if _, err := r.ReadAt(meta, offset+pageHeader); err != nil {
			return nil, err
		}
		sum := fnv.New64a()
		sum.Write(meta[:metaBytes]) // never fails
		valid := binary.LittleEndian.Uint32(meta) == boltMagic && binary.LittleEndian.Uint64(meta[metaBytes:]) == sum.Sum64()
		if transaction := binary.LittleEndian.Uint64(meta[48:]); valid && (newest == 0 || transaction > newest) {
			newest, t.page, t.root = transaction, int64(binary.LittleEndian.Uint32(meta[8:])), binary.LittleEndian.Uint64(meta[16:])
			t.size = t.page * int64(binary.LittleEndian.Uint64(meta[40:]))
		}
		switch {
		case t.page < metaBytes+metaSum+pageHeader:
			return nil, fmt.Errorf("%w: its first page is not a database's", ErrDamaged)
		case offset > 0:
			return t, nil
		}
	}
}

// node is a page, or what of a bucket is small enough to stand for one.
type node struct {
	at    int64
	leaf  bool
	count int
}

func (t *tree) node(at int64) (node, error) {
	head, err := t.bytes(at, pageHeader)
	if err != nil {
		return node{}, err
	}
	flags := binary.LittleEndian.Uint16(head[8:])
	n := node{at, flags&leafPage != 0, int(binary.LittleEndian.Uint16(head[10:]))}
	if flags&(leafPage|branchPage) == 0 || (!n.leaf && n.count == 0) {
		return n, fmt.Errorf("%w: at %d there is no page of keys", ErrDamaged, at)
	}
	return n, nil
}

func (t *tree) bytes(at int64, n uint32) ([]byte, error) {
	if n > 1<<20 {
		return nil, fmt.Errorf("%w: %d bytes at %d", ErrDamaged, n, at)
	}
	b := make([]byte, n)
	_, err := t.r.ReadAt(b, at)
	return b, err
}

// entry is one of a node: a key, and behind it a value, or below it a page.
type entry struct {
	key    []byte
	bucket bool
	at     int64 // the value's place
	size   uint32
	below  uint64
}

func (t *tree) entry(n node, i int) (entry, error) {
	place := n.at + pageHeader + int64(i)*element
	e, err := t.bytes(place, element)
	if err != nil {
		return entry{}, err
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(e[i:]) }
	var found entry
	position, size := word(0), word(4)
	if n.leaf {
		position, size = word(4), word(8)
		found.bucket, found.size = word(0)&bucketValue != 0, word(12)
	} else {
		found.below = binary.LittleEndian.Uint64(e[8:])
	}
	found.at = place + int64(position) + int64(size)
	if size > mostKey {
		return found, fmt.Errorf("%w: a key of %d bytes", ErrDamaged, size)
	}
	found.key, err = t.bytes(place+int64(position), size)
	return found, err
}

// descend goes down to a leaf, by what choose picks in each page above it.
func (t *tree) descend(at int64, choose func(node) (int, error)) (node, error) {
	for range mostDepth {
		n, err := t.node(at)
		if err != nil || n.leaf {
			return n, err
		}
		i, err := choose(n)
		if err != nil {
			return n, err
		}
		e, err := t.entry(n, i)
		if err != nil {
			return n, err
		}
		at = int64(e.below) * t.page
	}
	return node{}, fmt.Errorf("%w: its pages lead in a circle", ErrDamaged)
}

// find looks a key up.
func (t *tree) find(at int64, key string) (found entry, ok bool, err error) {
	last := func(n node) (int, error) { // the last one that is not behind the key
		i := 0
		for ; i < n.count; i++ {
			e, err := t.entry(n, i)
			if err != nil {
				return 0, err
			}
			if bytes.Compare(e.key, []byte(key)) > 0 {
				break
			}
		}
		return max(i-1, 0), nil
	}
	n, err := t.descend(at, last)
	if err != nil || n.count == 0 {
		return entry{}, false, err
	}
	i, err := last(n)
	if err == nil {
		found, err = t.entry(n, i)
	}
	return found, err == nil && string(found.key) == key, err
}

// bucket gives the place of a bucket's first page.
func (t *tree) bucket(name string) (at int64, ok bool, err error) {
	e, ok, err := t.find(int64(t.root)*t.page, name)
	if err != nil || !ok || !e.bucket || e.size < bucketHeader {
		return 0, false, err
	}
	head, err := t.bytes(e.at, bucketHeader)
	if err != nil {
		return 0, false, err
	}
	if root := binary.LittleEndian.Uint64(head); root != 0 {
		return int64(root) * t.page, true, nil
	}
	return e.at + bucketHeader, true, nil
}

func (t *tree) has(name string) (bool, error) {
	_, ok, err := t.bucket(name)
	return ok, err
}

func (t *tree) get(bucket, key string) ([]byte, error) {
	at, ok, err := t.bucket(bucket)
	if err != nil || !ok {
		return nil, err
	}
	e, ok, err := t.find(at, key)
	if err != nil || !ok {
		return nil, err
	}
	return t.bytes(e.at, e.size)
}

func (t *tree) last(bucket string) ([]byte, error) {
	at, ok, err := t.bucket(bucket)
	if err != nil || !ok {
		return nil, err
	}
	n, err := t.descend(at, func(n node) (int, error) { return n.count - 1, nil })
	if err != nil || n.count == 0 {
		return nil, err
	}
	e, err := t.entry(n, n.count-1)
	return e.key, err
}
