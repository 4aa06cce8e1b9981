package option_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/etcdctr/etcdctr/internal/option"
)

func TestAnOptionIsCalledAsWhoeverIsToldCallsIt(t *testing.T) {
	plain := errors.New("no option")
	mirror := option.Errorf("%s is for %s %s", option.Name("mirror"), option.Name("source"), "release")
	file := option.Errorf("%s: %w", option.Name("ca"), fs.ErrNotExist)
	for _, test := range []struct {
		err            error
		named, flagged string
	}{
		{mirror, "mirror is for source release", "--mirror is for --source release"},
		{errors.Join(file, errors.Join(plain, mirror)), "ca: file does not exist\nno option\nmirror is for source release", "--ca: file does not exist\nno option\n--mirror is for --source release"},
		{plain, "no option", "no option"},
	} {
		if got := test.err.Error(); got != test.named {
			t.Errorf("a program is told %q, want %q", got, test.named)
		}
		if got := option.Flagged(test.err).Error(); got != test.flagged {
			t.Errorf("who types is told %q, want %q", got, test.flagged)
		}
	}
	if option.Flagged(nil) != nil {
		t.Error("nothing is wrong, and it is told")
	}
	if !errors.Is(option.Flagged(file), fs.ErrNotExist) {
		t.Error("what is wrong can't be told from its text only")
	}
}
