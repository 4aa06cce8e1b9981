package backup_test

import (
	"errors"
	"testing"

	"github.com/etcdctr/etcdctr/backup"
)

func TestLocksAreWhatIsAskedForAndGoesTogether(t *testing.T) {
	secret := func() (string, error) { return "correct horse", nil }
	never := func() (string, error) { t.Error("a passphrase is asked for that nothing is done with"); return "", nil }
	var r backup.Request
	if err := (backup.Locks{Keys: true, Recipients: []string{"age1x"}, Passphrase: secret}).Lock(&r); err != nil || r.Keys.Passphrase != "correct horse" || r.Seal.Recipients[0] != "age1x" {
		t.Errorf("%+v, %v", r, err)
	}
	r = backup.Request{}
	if err := (backup.Locks{Encrypt: true, Passphrase: secret}).Lock(&r); err != nil || r.Keys != nil || r.Seal.Passphrase != "correct horse" {
		t.Errorf("%+v, %v", r, err)
	}
	r = backup.Request{}
	if err := (backup.Locks{}).Lock(&r); err != nil || r.Keys != nil || r.Seal != nil {
		t.Errorf("%+v, %v", r, err)
	}
	for _, wrong := range []backup.Locks{
		{Keys: true},
		{Encrypt: true},
		{Passphrase: never},
		{Recipients: []string{"age1x"}, Passphrase: never},
		{Encrypt: true, Recipients: []string{"age1x"}, Passphrase: never},
	} {
		if err := wrong.Lock(&r); err == nil {
			t.Errorf("%+v goes together", wrong)
		}
	}
	lost := errors.New("lost")
	if err := (backup.Locks{Keys: true, Passphrase: func() (string, error) { return "", lost }}).Lock(&r); !errors.Is(err, lost) {
		t.Errorf("error %v", err)
	}
}
