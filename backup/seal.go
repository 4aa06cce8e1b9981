package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"
)

// Whole archives are encrypted for whoever holds a key of age's, or by a passphrase:
// the archive as it would be otherwise is one entry of another, which besides has in
// clear what it takes to list backups and to choose among them. So a machine that
// takes backups need not be able to read them.

// Seal says who can open what is encrypted. The zero Seal, as nil, encrypts nothing.
type Seal struct {
	// Recipients are public keys of age's, such as age1….
	Recipients []string
	// Passphrase opens it instead. It takes a second each time to try one, which is
	// why nothing that is encrypted often has one.
	Passphrase string
}

// SealFor is that of the backups of a cluster; nil where they are not encrypted.
func SealFor(recipients []string) *Seal {
	if len(recipients) == 0 {
		return nil
	}
	return &Seal{Recipients: recipients}
}

// ErrSeal is the error of a Seal that nobody could open.
var ErrSeal = errors.New("nothing can be encrypted for it")

func (s *Seal) encrypts() bool { return s != nil && (s.Passphrase != "" || len(s.Recipients) > 0) }

func (s *Seal) recipients() ([]age.Recipient, error) {
	if s.Passphrase != "" {
		if len(s.Recipients) > 0 {
			return nil, fmt.Errorf("%w: a passphrase and keys do not go together", ErrSeal)
		}
		r, err := age.NewScryptRecipient(s.Passphrase)
		return []age.Recipient{r}, err
	}
	all, err := age.ParseRecipients(strings.NewReader(strings.Join(s.Recipients, "\n")))
	if err == nil {
		_, err = age.Encrypt(io.Discard, all...) // keys of two kinds do not go together
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSeal, err)
	}
	return all, nil
}

// Secret opens what is encrypted.
type Secret struct {
	// Identities are keys of age's, as its identity files have them.
	Identities string
	Passphrase string
}

// ErrSealed is the error of what is encrypted and stays so.
var ErrSealed = errors.New("it is encrypted, and what opens it is not given")

// ErrSecret is the error of a Secret that opens something else.
var ErrSecret = errors.New("it is encrypted, for another key or by another passphrase")

func (s Secret) identities() ([]age.Identity, error) {
	var all []age.Identity
	if s.Identities != "" {
		some, err := age.ParseIdentities(strings.NewReader(s.Identities))
		if err != nil {
			return nil, fmt.Errorf("read the keys that open it: %w", err)
		}
		all = some
	}
	if s.Passphrase != "" {
		i, err := age.NewScryptIdentity(s.Passphrase)
		if err != nil {
			return nil, err
		}
		all = append(all, i)
	}
	if len(all) == 0 {
		return nil, ErrSealed
	}
	return all, nil
}

func (s Secret) open(sealed io.Reader) (io.Reader, error) {
	all, err := s.identities()
	if err != nil {
		return nil, err
	}
	plain, err := age.Decrypt(sealed, all...)
	return plain, notOurs(err)
}

func (s Secret) openAt(sealed io.ReaderAt, size int64) (io.ReaderAt, int64, error) {
	all, err := s.identities()
	if err != nil {
		return nil, 0, err
	}
	plain, plainSize, err := age.DecryptReaderAt(sealed, size, all...)
	return plain, plainSize, notOurs(err)
}

func notOurs(err error) error {
	if other := (*age.NoIdentityMatchError)(nil); errors.As(err, &other) {
		return ErrSecret
	}
	if err != nil {
		return errors.Join(ErrDamaged, err)
	}
	return nil
}

// sealing writes an archive, encrypted, as the entry of another. It is made in a file
// that has no name before, as what was written has to be read again, and as an entry
// begins with its size.
func (r Request) sealing(f archiveFile, m *Metadata, take stream) error {
	recipients, err := r.Seal.recipients()
	if err != nil {
		return err
	}
	plain, done, err := nameless()
	if err != nil {
		return err
	}
	defer done()
	if err := r.plainArchive(plain, m, take); err != nil {
		return err
	}
	size, err := plain.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = plain.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	m.Encrypted = true
	return sealInto(f, plain, size, *m, recipients)
}

// nameless gives a file that is gone with this process.
func nameless() (*os.File, func(), error) {
	f, err := os.CreateTemp("", "etcdctr-backup-")
	if err != nil {
		return nil, nil, err
	}
	_ = os.Remove(f.Name()) // where an open file can't be, it is once more
	return f, func() { _ = f.Close(); _ = os.Remove(f.Name()) }, nil
}

func sealInto(f archiveFile, plain io.Reader, size int64, m Metadata, recipients []age.Recipient) error {
	a, err := newArchiver(f, m.Time, true)
	if err != nil {
		return err
	}
	defer a.close()
	var head bytes.Buffer
	to := &redirected{&head}
	sealed, err := age.Encrypt(to, recipients...)
	if err != nil {
		return err
	}
	if err := a.begin(sealedEntry, int64(head.Len())+sealedSize(size)); err != nil {
		return err
	}
	if _, err := a.tar.Write(head.Bytes()); err != nil {
		return err
	}
	to.Writer = a.tar
	if _, err := io.Copy(sealed, plain); err != nil {
		return err
	}
	if err := sealed.Close(); err != nil {
		return err
	}
	return a.finish(m.public())
}

// redirected is a writer that goes on elsewhere.
type redirected struct{ io.Writer }

// sealedSize is how many bytes become of so many: age encrypts chunks, each of which
// has a tag behind it (https://c2sp.org/age).
func sealedSize(plain int64) int64 {
	const chunk, tag = 64 << 10, 16
	chunks := max(1, (plain+chunk-1)/chunk)
	return plain + chunks*tag
}

// public is what of metadata is in clear beside what is encrypted.
func (m Metadata) public() Metadata {
	m.ClusterFile, m.Members = "", nil
	return m
}

// ageMagic begins whatever age has encrypted.
const ageMagic = "age-encryption.org/"

// Unlocked is a store whose encrypted segments are read as what they were.
func Unlocked(s Store, secret Secret) Store {
	if secret == (Secret{}) {
		return s
	}
	return unlocked{s, secret}
}

type unlocked struct {
	Store
	secret Secret
}

func (u unlocked) Open(ctx context.Context, name string) (Opened, error) {
	f, err := u.Store.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	head := make([]byte, len(ageMagic))
	if n, err := f.ReadAt(head, 0); n < len(head) && !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, f.Close())
	}
	if string(head) != ageMagic {
		return f, nil
	}
	plain, size, err := u.secret.openAt(f, f.Size())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", u.Place(name), err), f.Close())
	}
	return &opened{plain, f, size}, nil
}

// opened is a file of another content.
type opened struct {
	io.ReaderAt
	io.Closer
	size int64
}

func (o *opened) Size() int64 { return o.size }
