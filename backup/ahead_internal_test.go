package backup

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/etcdctr/etcdctr/member"
)

// slowly is a file that takes nothing until it is told to.
type slowly struct {
	bytes.Buffer
	takes chan struct{}
	fails error
}

func (s *slowly) Write(p []byte) (int, error) {
	<-s.takes
	if s.fails != nil {
		return 0, s.fails
	}
	return s.Buffer.Write(p)
}

func (s *slowly) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(s.Bytes()).ReadAt(p, off)
}

// random can't be compressed.
func random(size int) []byte {
	p := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(p)
	return p
}

// A member that waits for where its data goes answers nobody while it is defragmented.
func TestAMemberGivesItsDataFasterThanItIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &slowly{takes: make(chan struct{})}
		taken := errors.New("the member has given all")
		begun := time.Now()
		err := Request{Cluster: "orders"}.archive(f, &Metadata{}, func(w io.Writer, progress func(done, total int64)) (member.Snapshot, error) {
			data := random(16 << 20)
			progress(0, int64(len(data)))
			_, err := w.Write(data)
			if waited := time.Since(begun); waited > mostWaiting {
				t.Errorf("it was held for %v", waited)
			}
			close(f.takes)
			return member.Snapshot{}, errors.Join(err, taken)
		})
		if !errors.Is(err, taken) {
			t.Errorf("error %v", err)
		}
	})
}

func TestWhatIsKeptMeanwhileComesInItsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &slowly{takes: make(chan struct{})}
		a := goAhead(f)
		data := random(9 << 20)
		for part := range 3 { // none is taken of the first, one block of the second, all of the third
			if _, err := a.Write(data[part*3<<20 : (part+1)*3<<20]); err != nil {
				t.Fatal(err)
			}
			switch part {
			case 1:
				f.takes <- struct{}{}
			case 2:
				close(f.takes)
			}
		}
		end := make([]byte, 1<<20)
		if _, err := a.ReadAt(end, 8<<20); err != nil || !bytes.Equal(end, data[8<<20:]) {
			t.Errorf("the end reads otherwise: %v", err)
		}
		if !bytes.Equal(f.Bytes(), data) || a.far == nil {
			t.Errorf("%d bytes are there", f.Len())
		}
		a.Close()
	})
}

// A file that is fast needs no room elsewhere.
func TestWhatIsTakenAtOnceIsKeptNowhereElse(t *testing.T) {
	f := &slowly{takes: make(chan struct{})}
	close(f.takes)
	a := goAhead(f)
	defer a.Close()
	data := random(9 << 20)
	if _, err := a.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := a.settle(); err != nil || a.far != nil || !bytes.Equal(f.Bytes(), data) {
		t.Errorf("%d bytes, elsewhere %v: %v", f.Len(), a.far != nil, err)
	}
}

// Without room nearby the member waits.
func TestWhatFindsNoRoomNearbyWaits(t *testing.T) {
	t.Setenv("TMPDIR", "/nowhere")
	synctest.Test(t, func(t *testing.T) {
		f := &slowly{takes: make(chan struct{})}
		a := goAhead(f)
		data := random(9 << 20)
		time.AfterFunc(2*mostWaiting, func() { close(f.takes) })
		if _, err := a.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := a.settle(); err != nil || !bytes.Equal(f.Bytes(), data) {
			t.Errorf("%d bytes are there: %v", f.Len(), err)
		}
		a.Close()
	})
}

func TestWhatTheFileSaysShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &slowly{takes: make(chan struct{}), fails: errors.New("full")}
		close(f.takes)
		a := goAhead(f)
		_, _ = a.Write(random(9 << 20))
		if err := a.settle(); !errors.Is(err, f.fails) {
			t.Errorf("error %v", err)
		}
		a.Close()
	})
}
