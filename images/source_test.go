package images

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"
)

// otherPlatform is one that this machine's programs are not for.
func otherPlatform() v1.Platform {
	if runtime.GOARCH == "arm64" {
		return v1.Platform{OS: "linux", Architecture: "amd64"}
	}
	return v1.Platform{OS: "linux", Architecture: "arm64"}
}

// convert makes a program claim to be for another architecture, which is all
// that a header can tell.
func convert(t *testing.T, file, arch string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range architectures {
		if a.name == arch {
			const machineOffset = 18 // e_machine in an ELF header
			binary.LittleEndian.PutUint16(data[machineOffset:], uint16(a.machine))
		}
	}
	write(t, file, data)
}

// askForInterpreter makes a program claim to be linked dynamically: as it is loaded, an
// interpreter is asked for, where there was a note.
func askForInterpreter(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_NOTE })
	const headers, size = 64, 56 // of a program's headers: where they begin, and each
	f.ByteOrder.PutUint32(data[headers+i*size:], uint32(elf.PT_INTERP))
	write(t, file, data)
}

func TestDirRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		damage func(t *testing.T, dir string)
		want   []string // each is in the error
	}{
		"a mix of releases": {
			damage: func(t *testing.T, dir string) {
				t.Helper()
				copyFile(t, filepath.Join(programs(t, "v3.6.16"), "etcdctl"), filepath.Join(dir, "etcdctl"))
			},
			want: []string{"different etcd releases (etcd v3.7.3, etcdctl v3.6.16, etcdutl v3.7.3)", "take all three from one"},
		},
		"a program for another architecture": {
			damage: func(t *testing.T, dir string) {
				t.Helper()
				convert(t, filepath.Join(dir, "etcdutl"), otherPlatform().Architecture)
			},
			want: []string{"etcdutl: is a program for " + otherPlatform().String(), "choose another --platform"},
		},
		"a program that needs a C library": {
			damage: func(t *testing.T, dir string) {
				t.Helper()
				askForInterpreter(t, filepath.Join(dir, "etcd"))
			},
			want: []string{"etcd: is dynamically linked", "CGO_ENABLED=0"},
		},
		"programs under each other's names": {
			damage: func(t *testing.T, dir string) {
				t.Helper()
				copyFile(t, filepath.Join(dir, "etcdctl"), filepath.Join(dir, "etcd"))
			},
			want: []string{"etcd: is built from go.etcd.io/etcd/etcdctl/v3, but etcd is go.etcd.io/etcd/server/v3"},
		},
		"something that is no program": {
			damage: func(t *testing.T, dir string) {
				t.Helper()
				write(t, filepath.Join(dir, "etcd"), []byte("#!/bin/sh\nexec /opt/etcd\n"))
			},
			want: []string{"etcd: is not a Go program with build information"},
		},
		"10 GB where a program should be": {
			damage: func(t *testing.T, dir string) {
				t.Helper()
				if err := os.Truncate(filepath.Join(dir, "etcd"), 10<<30); err != nil {
					t.Fatal(err)
				}
			},
			want: []string{"etcd: has 10240 MB, which is no etcd program"},
		},
		"a folder where a program should be": {
			damage: func(t *testing.T, dir string) {
				t.Helper()
				if err := errors.Join(os.Remove(filepath.Join(dir, "etcd")), os.Mkdir(filepath.Join(dir, "etcd"), 0o755)); err != nil {
					t.Fatal(err)
				}
			},
			want: []string{"etcd: is not a regular file"},
		},
		"every mistake at once": {
			damage: func(t *testing.T, dir string) {
				t.Helper()
				write(t, filepath.Join(dir, "etcdctl"), []byte("nothing"))
				if err := os.Remove(filepath.Join(dir, "etcdutl")); err != nil {
					t.Fatal(err)
				}
			},
			want: []string{"etcdctl: is not a Go program", "etcdutl: is not there"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyPrograms(t)
			test.damage(t, dir)
			_, err := Dir{Path: dir}.Binaries(t.Context(), testPlatform)
			wantError(t, err, test.want...)
		})
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %q", err, part)
		}
	}
}

func TestDirServesSeveralPlatformsFromFoldersInIt(t *testing.T) {
	root := t.TempDir()
	for _, platform := range []v1.Platform{testPlatform, otherPlatform()} {
		for _, name := range Names {
			file := filepath.Join(root, "linux-"+platform.Architecture, name)
			copyFile(t, filepath.Join(programs(t, testVersion), name), file)
			convert(t, file, platform.Architecture)
		}
	}
	for _, platform := range []v1.Platform{testPlatform, otherPlatform()} {
		b, err := Dir{Path: root}.Binaries(t.Context(), platform)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Programs[0].Arch; got != platform.Architecture {
			t.Errorf("asked for %s, got %s", platform.Architecture, got)
		}
	}
}

func TestDirTakesAnEtcdctrForAllThreePrograms(t *testing.T) {
	for name, arrange := range map[string]func(dir string) error{
		"alone": func(string) error { return nil },
		"alone, called etcd": func(dir string) error {
			return os.Rename(filepath.Join(dir, "etcdctr"), filepath.Join(dir, "etcd"))
		},
		"under their names": func(dir string) error {
			return errors.Join(
				os.Symlink("etcdctr", filepath.Join(dir, "etcd")),
				os.Symlink("etcdctr", filepath.Join(dir, "etcdctl")),
				os.Symlink("etcdctr", filepath.Join(dir, "etcdutl")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			copyFile(t, filepath.Join(programs(t, testVersion), "etcdctr"), filepath.Join(dir, "etcdctr"))
			if err := arrange(dir); err != nil {
				t.Fatal(err)
			}
			b, err := Dir{Path: dir}.Binaries(t.Context(), testPlatform)
			if err != nil {
				t.Fatal(err)
			}
			if !b.multicall() || b.Version != testVersion {
				t.Errorf("got %+v", b)
			}
		})
	}
}

func TestSelfRefusesAProgramOfAnotherOperatingSystem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "etcdctr")
	write(t, file, plan9(t, filepath.Join(programs(t, testVersion), "etcdctr")))
	_, err := Self{File: file}.Binaries(t.Context(), testPlatform)
	if !errors.Is(err, ErrNotLinux) {
		t.Errorf("got %v, want ErrNotLinux", err)
	}
}

// plan9 is what Plan 9's linker would have made of a program, as far as it tells what
// the program is: a header and the build information. For no other system is the
// format so plain, and to compile for one takes a standard library of its own.
func plan9(t *testing.T, program string) []byte {
	t.Helper()
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := f.Section(".go.buildinfo").Data()
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.Replace(data, []byte("GOOS=linux"), []byte("GOOS=plan9"), 1)
	const magic, header, aligned = 0x8a97, 40, 48
	file := make([]byte, aligned, aligned+len(data))
	binary.BigEndian.PutUint32(file, magic)
	binary.BigEndian.PutUint32(file[8:], uint32(aligned-header+len(data))) // after the size of the text, which is none
	return append(file, data...)
}

func TestSelfPacksWhatItCarriesWhateverItRunsOnItself(t *testing.T) {
	file := filepath.Join(programs(t, testVersion), "etcdctr")
	carried := build(t, Self{File: "etcdctr.exe", Carried: zipped(t, file)})
	if want := build(t, Self{File: file}); carried.ID() != want.ID() {
		t.Errorf("got %s, want %s, the image of the same program in a file", carried.ID(), want.ID())
	}
}

func TestSelfRefusesToPackWhatIsDamaged(t *testing.T) {
	whole := zipped(t, filepath.Join(programs(t, testVersion), "etcdctr"))
	for name, carried := range map[string][]byte{
		"not compressed": []byte("etcd"),
		"cut off":        whole[:len(whole)/2],
		"no program":     compressed(t, []byte("etcd")),
		"not etcd":       zipped(t, filepath.Join(programs(t, testVersion), "etcdctl")),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Self{File: "etcdctr.exe", Carried: carried}.Binaries(t.Context(), testPlatform)
			wantError(t, err, "the etcd inside etcdctr.exe: ")
		})
	}
}

func zipped(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return compressed(t, data)
}

func compressed(t *testing.T, data []byte) []byte {
	t.Helper()
	zw, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return zw.EncodeAll(data, nil)
}

func TestSelfRefusesAProgramThatDoesNotCarryEtcd(t *testing.T) {
	_, err := Self{File: filepath.Join(programs(t, testVersion), "etcdctl")}.Binaries(t.Context(), testPlatform)
	wantError(t, err, "does not carry etcd", "give an etcdctr binary")
}

func TestPlatformsAreThoseThatUpstreamSupports(t *testing.T) {
	for in, want := range map[string]string{"linux/amd64": "linux/amd64", "arm64": "linux/arm64", "linux/s390x": "linux/s390x"} {
		got, err := ParsePlatform(in)
		if err != nil || got.String() != want {
			t.Errorf("ParsePlatform(%q) = %v, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "linux", "windows/amd64", "linux/386", "linux/arm64/v8"} {
		if got, err := ParsePlatform(in); err == nil {
			t.Errorf("ParsePlatform(%q) = %v, want an error", in, got)
		}
	}
}
