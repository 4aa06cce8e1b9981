package member

import "errors"

// What a change can fail with, to be compared by errors.Is. Errors that are none
// of these are etcd's or the network's own.
var (
	ErrNoLeader          = errors.New("no leader is known that all members agree on")
	ErrNotServing        = errors.New("no member serves that could be asked")
	ErrUnknownMember     = errors.New("it is not a member")
	ErrPeerURLTaken      = errors.New("another member has this peer URL")
	ErrTooManyLearners   = errors.New("there is a learner already: promote or remove it first")
	ErrUnhealthy         = errors.New("not all voters have been connected to each other for 5 s")
	ErrNotEnoughMembers  = errors.New("too few members have started")
	ErrNotAlive          = errors.New("the learner itself does not answer")
	ErrBehind            = errors.New("it is not in step with the leader")
	ErrNoFollower        = errors.New("no other voter is in step and serves")
	ErrDowngradeTarget   = errors.New("etcd does not downgrade to that version")
	ErrDowngradeUnderWay = errors.New("a downgrade to another version is under way")
	ErrBrokenSnapshot    = errors.New("the snapshot does not match its checksum")
	ErrDenied            = errors.New("etcd's users do not permit it")
	ErrNoProgress        = errors.New("nothing moves any more")
)
