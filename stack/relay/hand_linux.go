package relay

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// pathOnly is O_PATH, which package syscall lacks. Source: open(2).
const pathOnly = 0x200000

// openSocket opens a socket's file for nothing but to be connected to, by its place in
// /proc/self/fd, which needs no name of it.
func openSocket(name string) (*os.File, error) {
	return os.OpenFile(name, pathOnly, 0)
}

// give answers with a connection. Source: unix(7), SCM_RIGHTS.
func give(to *net.UnixConn, conn net.Conn) error {
	has, ok := conn.(syscall.Conn)
	if !ok {
		return errNotHanded
	}
	raw, err := has.SyscallConn()
	if err != nil {
		return err
	}
	var text bytes.Buffer
	_ = writeText(&text, "") // a buffer takes all
	var sent error
	err = raw.Control(func(fd uintptr) {
		_, _, sent = to.WriteMsgUnix(text.Bytes(), syscall.UnixRights(int(fd)), nil)
	})
	return errors.Join(err, sent)
}

// take reads an answer, and the connection that comes with its first byte.
func take(from *net.UnixConn) (*net.TCPConn, error) {
	text, rights := make([]byte, 2), make([]byte, syscall.CmsgSpace(4)) // the text's length, and one descriptor
	n, held, _, _, err := from.ReadMsgUnix(text, rights)
	if err != nil || n == 0 {
		return nil, errNotHanded
	}
	refusal, err := readText(io.MultiReader(bytes.NewReader(text[:n]), from))
	switch {
	case err != nil:
		return nil, errNotHanded
	case refusal != "":
		return nil, refusedBy(refusal)
	}
	messages, err := syscall.ParseSocketControlMessage(rights[:held])
	if err != nil || len(messages) != 1 {
		return nil, errNotHanded
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, errNotHanded
	}
	file := os.NewFile(uintptr(fds[0]), "handed over")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, errNotHanded
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		conn.Close()
		return nil, errNotHanded
	}
	return tcp, nil
}
