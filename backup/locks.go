package backup

import "github.com/etcdctr/etcdctr/internal/option"

// Locks say what of a backup is encrypted and by what, as somebody asks for it: the parts
// of a Request that do not go with each other in every way.
type Locks struct {
	// Keys puts the certificates in, with their keys, encrypted by the passphrase.
	Keys bool
	// Encrypt encrypts all of it by the passphrase, and Recipients for these public keys
	// of age's.
	Encrypt    bool
	Recipients []string
	// Passphrase is asked for it where there is one; nil says that there is none.
	Passphrase func() (string, error)
}

// Lock has a request do what is asked for. Nobody is asked for a passphrase where something
// does not go together.
func (l Locks) Lock(r *Request) error {
	if err := l.check(); err != nil {
		return err
	}
	if len(l.Recipients) > 0 {
		r.Seal = &Seal{Recipients: l.Recipients}
	}
	if l.Passphrase == nil {
		return nil
	}
	passphrase, err := l.Passphrase()
	if l.Keys {
		r.Keys = &Keys{Passphrase: passphrase}
	}
	if l.Encrypt {
		r.Seal = &Seal{Passphrase: passphrase}
	}
	return err
}

func (l Locks) check() error {
	const keys, encrypt, recipients, passphrase = option.Name("with-keys"), option.Name("encrypt"), option.Name("encrypt-to"), option.Name("passphrase-file")
	switch wanted := l.Keys || l.Encrypt; {
	case l.Keys && l.Passphrase == nil:
		return option.Errorf("%s takes %s: keys leave this machine only encrypted", keys, passphrase)
	case l.Encrypt && l.Passphrase == nil:
		return option.Errorf("%s takes %s; %s does without", encrypt, passphrase, recipients)
	case !wanted && l.Passphrase != nil:
		return option.Errorf("%s goes with %s or %s", passphrase, keys, encrypt)
	case l.Encrypt && len(l.Recipients) > 0:
		return option.Errorf("%s and %s do not go together: keep one", encrypt, recipients)
	}
	return nil
}
