// Package splice joins two connections.
package splice

import (
	"io"
	"net"
)

// Join carries bytes between two connections in both directions, until both
// have ended. An end in one direction is passed on and leaves the other
// direction open.
func Join(a, b net.Conn) {
	done := make(chan struct{})
	go func() {
		pour(a, b)
		close(done)
	}()
	pour(b, a)
	<-done
}

func pour(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if err == nil {
		err = closeWrite(to)
	}
	if err != nil { // one of them is broken, so neither is of use any more
		to.Close()
		from.Close()
	}
}

// closeWrite ends the sending side of a connection. A connection without a
// method for it is yamux's, whose Close does just that.
func closeWrite(conn net.Conn) error {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return conn.Close()
}
