package stack

// Event tells how one operation of a plan goes. An operation that was carried
// out has been Started and then is Done or Failed.
type Event struct {
	Op    *Op
	Stage Stage
	Err   error // of a Failed one
}

// Stage is how far an operation is.
type Stage int

// The stages of an operation.
const (
	Started Stage = iota
	Done
	Failed
)

// Progress is told about operations under way. It is called from several
// goroutines, one at a time, and must return quickly. A nil Progress is not
// called.
type Progress func(Event)
