package member

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// What a change can fail with, to be compared by errors.Is. Errors that are none
// of these are etcd's or the network's own.
var (
	ErrNoLeader          = errors.New("no leader is known that all members agree on")
	ErrNotServing        = errors.New("no member serves that could be asked")
	ErrUnknownMember     = errors.New("it is not a member")
	ErrPeerURLTaken      = errors.New("another member has this peer URL")
	ErrTooManyLearners   = errors.New("there are as many learners as max-learners allows, one where it says nothing: promote or remove one first")
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
	ErrCompacting        = errors.New("they have not all carried out the same compaction, or are written to all the time")
)

// TroubleError is that a member did not tell its status.
type TroubleError struct {
	Name    string
	Trouble Trouble
	Details string // for people
}

func (e *TroubleError) Error() string {
	return fmt.Sprintf("%s does not answer (%s)", e.Name, e.Details)
}

// meanings translate what etcd answers.
var meanings = []struct{ etcd, ours error }{
	{rpctypes.ErrPeerURLExist, ErrPeerURLTaken},
	{rpctypes.ErrMemberNotFound, ErrUnknownMember},
	{rpctypes.ErrTooManyLearners, ErrTooManyLearners},
	{rpctypes.ErrUnhealthy, ErrUnhealthy},
	{rpctypes.ErrMemberNotEnoughStarted, ErrNotEnoughMembers},
	{rpctypes.ErrMemberLearnerNotReady, ErrBehind},
	{rpctypes.ErrNoLeader, ErrNoLeader},
	{rpctypes.ErrInvalidDowngradeTargetVersion, ErrDowngradeTarget},
	{rpctypes.ErrWrongDowngradeVersionFormat, ErrDowngradeTarget},
	{rpctypes.ErrDowngradeInProcess, ErrDowngradeUnderWay},
	{rpctypes.ErrPermissionDenied, ErrDenied},
	{rpctypes.ErrUserEmpty, ErrDenied},
	{rpctypes.ErrUserNotFound, ErrDenied},
	{rpctypes.ErrInvalidAuthToken, ErrDenied},
	{rpctypes.ErrAuthFailed, ErrDenied},
}

// uncoded are answers for which etcd has no code, only these words: 3.5 hands out
// what its auth store says to who asks for a snapshot, a hash or a
// defragmentation (3.5.35, auth/store.go, by way of authMaintenanceServer in
// etcdserver/api/v3rpc/maintenance.go).
var uncoded = map[string]error{
	"auth: permission denied":  ErrDenied,
	"auth: user name is empty": ErrDenied,
	"auth: user not found":     ErrDenied,
	"auth: invalid auth token": ErrDenied,
}

// meaning adds to etcd's error what it means here, if that has a name.
func meaning(err error) error {
	if err == nil {
		return nil
	}
	for _, m := range meanings {
		if errors.Is(rpctypes.Error(err), m.etcd) {
			return fmt.Errorf("%w (%w)", m.ours, err)
		}
	}
	if s, ok := status.FromError(err); ok && s.Code() == codes.Unknown {
		if ours := uncoded[s.Message()]; ours != nil {
			return fmt.Errorf("%w (%w)", ours, err)
		}
	}
	return err
}

// code is the error's in gRPC's terms, whether etcd's client has made it one of
// its own or not.
func code(err error) codes.Code {
	var etcd rpctypes.EtcdError
	switch {
	case errors.As(err, &etcd):
		return etcd.Code()
	case errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	}
	return status.Code(err)
}

// errSameSecond is the error of adding a member where one of its URL was added, and removed,
// in the same second. etcd makes a member's ID of its URLs and of the second, and gives none
// twice (3.5.35, 3.6.16 and 3.7.3, computeMemberID in etcdserver/api/membership/member.go).
var errSameSecond = errors.New("a member of this URL was added and removed a moment ago")

// addedBefore tells an errSameSecond from what else adding a member may fail with: whoever
// is added is known to nobody, and etcd says all the same that it can't find it.
func addedBefore(err error) error {
	if errors.Is(rpctypes.Error(err), rpctypes.ErrMemberNotFound) {
		return fmt.Errorf("%w (%v)", errSameSecond, err) //nolint:errorlint // it would be said that it is no member
	}
	return err
}

// passing tells whether an error may go by itself: no leader just now, a
// connection that broke, a voter that is not connected for long enough.
func passing(err error) bool {
	c := code(err)
	return errors.Is(err, ErrNotServing) || errors.Is(err, errSameSecond) || c == codes.Unavailable || c == codes.DeadlineExceeded
}

// statusTrouble is the kind of an error of a member that accepts connections.
func statusTrouble(err error) Trouble {
	switch {
	case isDenied(err):
		return Denied
	case passing(err):
		return Silent
	}
	return Other
}

// readTrouble is the kind of an error of a linearizable read by a member that
// told its status.
func readTrouble(err error) Trouble {
	if passing(err) {
		return NoLeader
	}
	return Other
}
