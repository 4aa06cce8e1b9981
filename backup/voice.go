package backup

import "fmt"

// Voice tells what is done to bring a cluster back.
type Voice struct {
	// Tell is told what is done; may be nil.
	Tell func(action string)
	// Detail is told what that comes down to, and Warn what is to be known besides;
	// without them Tell is.
	Detail, Warn func(what string)
}

// Tellf tells what is done.
func (v Voice) Tellf(format string, args ...any) { v.to(v.Tell, format, args...) }

// Detailf tells what that comes down to.
func (v Voice) Detailf(format string, args ...any) { v.to(v.Detail, format, args...) }

// Warnf tells what is to be known besides.
func (v Voice) Warnf(format string, args ...any) { v.to(v.Warn, format, args...) }

func (v Voice) to(whom func(string), format string, args ...any) {
	if whom == nil {
		whom = v.Tell
	}
	if whom != nil {
		whom(fmt.Sprintf(format, args...))
	}
}
