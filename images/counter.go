package images

import "io"

// counter reports how much was read through it.
type counter struct {
	r        io.Reader
	event    Event
	progress Progress
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.event.Current += int64(n)
	c.progress.report(c.event)
	return n, err
}
